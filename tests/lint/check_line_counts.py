# SPDX-License-Identifier: GPL-2.0-only
"""The lines of each host shim, as docs/porting.md has them. Fails if that is not what they are.

Usage: check_line_counts.py [--write]
"""

import sys

from sources import ROOT

DOCUMENT = ROOT / "docs/porting.md"
BEGIN, END = "<!-- tests/lint/check_line_counts.py --write -->\n", "<!-- end of line counts -->\n"
NOUNS = {"bug", "clock", "cpu", "frames", "memory", "notifier", "ram", "thread", "timer"}
NT_NOUNS = NOUNS | {"alarm", "call", "nmi", "pages", "processors", "string"}
# Title, folder, what the contract's functions are in.
SHIMS = [("Linux", "hosts/linux", NOUNS, ()), ("NT, shared", "hosts/nt", NT_NOUNS, (".S",)), ("Windows", "hosts/windows", NT_NOUNS, (".S",)),
         ("ReactOS", "hosts/reactos", NT_NOUNS, (".S",)), ("bare metal", "tests/metal/host", NOUNS, ())]


def count(folder, nouns, assembly):
    """(lines of the contract's functions, lines of the rest)"""
    lines = [0, 0]
    for path in (ROOT / folder).iterdir():
        if path.suffix in (".c", ".h", ".S"):
            contract = path.suffix in assembly or path.suffix == ".c" and path.stem in nouns
            lines[not contract] += path.read_bytes().count(b"\n")
    return lines


def table():
    counts = [count(*shim[1:]) for shim in SHIMS]
    rows = [["", *(shim[0] for shim in SHIMS)], ["---"] * (len(SHIMS) + 1), ["the contract's functions", *(lines[0] for lines in counts)],
            ["the rest: device and requests; or boot, descriptors, interrupts, second CPU, reports", *(lines[1] or "" for lines in counts)]]
    return "".join("| " + " | ".join(map(str, row)) + " |\n" for row in rows)


def main():
    head, rest = DOCUMENT.read_text(encoding="utf-8").split(BEGIN)
    found, tail = rest.split(END)
    if "--write" in sys.argv:
        DOCUMENT.write_text(head + BEGIN + table() + END + tail, encoding="utf-8")
    elif found != table():
        sys.exit("docs/porting.md: the lines of the shims have changed; 'tools/dev figures --write' writes them anew")


if __name__ == "__main__":
    main()
