# SPDX-License-Identifier: GPL-2.0-only
"""Which files of the checkout the lint tests look at: what git knows or would add, without guest-kernel patches."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def all_files():
    """Paths relative to the root, of files that exist; outside a git checkout, all but the build tree."""
    listed = subprocess.run(["git", "-c", "safe.directory=*", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT,
                            capture_output=True, check=False)
    if listed.returncode == 0:
        paths = [pathlib.Path(name.decode()) for name in listed.stdout.split(b"\0") if name]
    else:
        paths = [path.relative_to(ROOT) for path in ROOT.rglob("*")]
        paths = [path for path in paths if path.parts[0] not in ("build", ".git")]
    return sorted(path for path in paths if (ROOT / path).is_file())


def kernel_style(path):
    """Files that become part of the guest kernel's tree keep its style."""
    return path.parts[0] == "guest-kernel"


def c_family(*suffixes):
    return [path for path in all_files() if path.suffix in (suffixes or (".c", ".h", ".cpp", ".hpp"))
            and not kernel_style(path)]


def finish(problems, checked, what):
    """Prints each problem and ends the program; nothing to check is a problem too."""
    if not checked:
        problems = [*problems, f"no {what} found: is the checkout whole?"]
    for problem in problems:
        print(problem)
    print(f"{what}: {checked} checked, {len(problems)} problem(s)")
    sys.exit(1 if problems else 0)
