# SPDX-License-Identifier: GPL-2.0-only
"""clang-tidy over what the build compiles as hosted code; the core is among it, as it is compiled for unit tests too.
The tests themselves are left out: they would take longer than all the rest.

Usage: check_tidy.py BUILD_DIRECTORY
"""

import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from sources import ROOT, finish

# GCC's own, unknown to clang.
GCC_ONLY = re.compile(r"^(-fno-sanitize-recover=.*|-fsanitize=.*|-static-lib.*)$")


def hosted(build):
    """Compile commands of our C and C++ files, one per file; those with kernel flags are left out."""
    chosen = {}
    for entry in json.loads((build / "compile_commands.json").read_text(encoding="utf-8")):
        path = pathlib.Path(entry["file"])
        if path.suffix not in (".c", ".cpp") or not path.is_relative_to(ROOT) or "-ffreestanding" in entry["command"]:
            continue
        if path.is_relative_to(ROOT / "tests"):
            continue
        words = entry["command"].split()
        entry["command"] = " ".join(word for word in words if not GCC_ONLY.match(word))
        chosen.setdefault(path, entry)
    return chosen


def tidy(database, path):
    done = subprocess.run(["clang-tidy", "--quiet", "-p", database, path], cwd=ROOT, capture_output=True, text=True,
                          check=False)
    lines = [line for line in done.stdout.splitlines() if re.search(r": (error|warning): ", line)]
    if done.returncode and not lines:
        lines = [f"{path}: clang-tidy ended with status {done.returncode}: {done.stderr.strip()}"]
    return lines


def main():
    commands = hosted(pathlib.Path(sys.argv[1]))
    with tempfile.TemporaryDirectory() as database:
        (pathlib.Path(database) / "compile_commands.json").write_text(json.dumps(list(commands.values())),
                                                                      encoding="utf-8")
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            lines = [line for found in pool.map(lambda path: tidy(database, path), commands) for line in found]
    finish(sorted(set(lines)), len(commands), "clang-tidy's files")


if __name__ == "__main__":
    main()
