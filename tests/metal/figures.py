# SPDX-License-Identifier: GPL-2.0-only
"""One line of figures for all metal reports of a build tree: figures.py BUILD_DIR."""

import collections
import pathlib
import re
import sys


def main():
    reports = sorted((pathlib.Path(sys.argv[1]) / "test-logs").glob("metal-*.log"))
    totals = collections.Counter()
    for report in reports:
        for line in re.findall(r"^figures: (.*?)\r?$", report.read_text(encoding="utf-8"), re.M):
            words = line.split()
            totals.update({name: int(value) for name, value in zip(words[::2], words[1::2])})
    print(f"metal: {len(reports)} boots,", ", ".join(f"{name} {value}" for name, value in totals.items()))


if __name__ == "__main__":
    main()
