# SPDX-License-Identifier: GPL-2.0-only
"""C and C++ look as .clang-format says. --fix formats them in place."""

import subprocess
import sys

from sources import ROOT, c_family, finish


def main():
    files = c_family()
    if "--fix" in sys.argv[1:]:
        subprocess.run(["clang-format", "-i", *files], cwd=ROOT, check=True)
        return
    problems = []
    for file in files:
        done = subprocess.run(["clang-format", "--dry-run", "-Werror", file], cwd=ROOT, capture_output=True,
                              text=True, check=False)
        if done.returncode:
            problems.append(f"{file}: not formatted (tools/dev fmt): {done.stderr.splitlines()[0]}")
    finish(problems, len(files), "C and C++ files")


if __name__ == "__main__":
    main()
