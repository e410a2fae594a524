# SPDX-License-Identifier: GPL-2.0-only
"""Every file of ours that can hold a comment names its licence within its first three lines."""

from sources import ROOT, all_files, finish

SUFFIXES = {".c", ".h", ".cpp", ".hpp", ".S", ".py", ".sh", ".cmake", ".lds", ".txt"}
NAMES = {"CMakeLists.txt", "Kbuild", "Makefile", "Kconfig"}
TAG = b"SPDX-License-Identifier: GPL-2.0"


def must_have_tag(path):
    if path.suffix in SUFFIXES or path.name in NAMES:
        return True
    with open(ROOT / path, "rb") as file:
        return file.read(2) == b"#!"


def main():
    files = [path for path in all_files() if must_have_tag(path)]
    problems = []
    for path in files:
        with open(ROOT / path, "rb") as file:
            if not any(TAG in file.readline() for _ in range(3)):
                problems.append(f"{path}: no line '{TAG.decode()}-only' in the first three")
    finish(problems, len(files), "licence lines")


if __name__ == "__main__":
    main()
