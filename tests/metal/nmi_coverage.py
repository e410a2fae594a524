# SPDX-License-Identifier: GPL-2.0-only
"""Which instructions of the passage were hit by an NMI: runs case nmi_sweep, then compares QEMU's log of interrupts with the
disassembly. Fails if one was not that could be.

Usage: nmi_coverage.py [NAME=VALUE]… (the case's words)
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

import machines
import run

GUEST_TEXT = 0xFFFFFFC000000000
STUBS = 0x1000  # behind the code: gate targets, all alike
PADDING = ("int3", "nop", "xchg   %ax,%ax", "cs nopw", "data16")


def instructions(image):
    """Offset: text, of the passage's code, and where it starts."""
    symbols = subprocess.run(["nm", image], capture_output=True, text=True, check=True).stdout
    start = int(re.search(r"^(\w+) \w coop_passage_start$", symbols, re.M)[1], 16)
    listing = subprocess.run(["objdump", "-d", "--no-show-raw-insn", f"--start-address={start}", f"--stop-address={start + STUBS}",
                              image], capture_output=True, text=True, check=True).stdout
    lines = re.findall(r"^\s*(\w+):\s+(.*?)\s*$", listing, re.M)
    return {int(at, 16) - start: text for at, text in lines if not text.startswith(PADDING)}, start


def hits(log, start):
    """Offsets at which an NMI was taken, in either view."""
    found = set()
    with log.open(encoding="ascii", errors="replace") as lines:
        for line in lines:
            match = re.search(r": v=02 .* pc=(\w+) ", line)
            if match:
                pc = int(match[1], 16)
                found |= {pc - base for base in (start, GUEST_TEXT) if 0 <= pc - base < STUBS}
    return found


def excused(code):
    """Not wanted: what runs only while NMIs are blocked, since one is on its way to the host's handler (.Labort, the end of .Linside_nmi,
    the change of course in .Lresume); and what ends the guest or the host: exceptions that are not a segment's, .Lbad_tables, .Lbug;
    and what a machine check takes, which QEMU does not raise here."""
    at = sorted(code)

    def position(text, after=0):
        return next(index for index, offset in enumerate(at) if index >= after and code[offset].startswith(text))

    abort = position("movq   $0x101,")
    inside = position("cmpl   $0x2,", abort)
    report = position("mov    0x20(%rsp),%rax", inside)
    null_segment = position("movw   $0x0,", report)
    ends = position("lgdt", null_segment)
    resume = position("mov    0x20(%rsp),%rax", position("orq    $0x1,", ends))
    course = position("lea ", resume)
    return {*at[abort - 1:abort + 2], *at[report:null_segment], *at[ends:resume], *at[course:course + 3]}


def main():
    build = pathlib.Path(os.environ["COOP_BUILD_DIR"])
    words = ["nmi_sweep", *sys.argv[1:]]
    with tempfile.TemporaryDirectory(prefix="coop-metal-") as folder:
        log = pathlib.Path(folder) / "interrupts.log"
        os.chdir(folder)
        report = machines.MACHINES["icount"].run(build / "tests/metal", words, run.SECONDS)
        code, start = instructions(build / "tests/metal" / machines.IMAGE)
        found = hits(log, start)
    left_out = excused(code)
    wanted = set(code) - left_out
    missing = sorted(wanted - found)
    report += f"figures: passage_instructions {len(wanted)} passage_hit {len(wanted & found)} passage_excused {len(left_out - found)}\n"
    (build / "test-logs").mkdir(exist_ok=True)
    (build / "test-logs/metal-nmi.log").write_text(report, encoding="utf-8")
    print("\n".join(re.findall(r"^(?:figures|#).*", report, re.M)))
    for offset in missing:
        print(f"never hit: {offset:#x}: {code[offset]}")
    problems = run.complaints(report)
    if missing or problems:
        sys.exit(f"metal: {len(missing)} instructions never hit; {problems}")


if __name__ == "__main__":
    main()
