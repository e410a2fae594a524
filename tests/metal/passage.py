# SPDX-License-Identifier: GPL-2.0-only
"""The passage in an image, as the coverage tests see it: its instructions, and which of them some event cannot hit, with the reason."""

import re
import subprocess

GUEST_TEXT = 0xFFFFFFC000000000
TEXT_BYTES = 0x3000
GUEST_STUBS = 0x1000  # behind the code: gate targets for the guest's IDT, 256 that are all alike, not looked at
OWN_STUBS, OWN_STUBS_BYTES, STUB_STRIDE = 0x2000, 0x200, 16  # for the passage's own IDTs
DEBUG, NMI, MACHINE_CHECK = 1, 2, 18
RAISED = {DEBUG, 11, 13, 14}  # exceptions that a guest can cause inside: more of them segment not present, general protection, page fault
PADDING = ("int3", "nop", "xchg   %ax,%ax", "cs nopw", "data16")


def disassemble(image, start, stop):
    listing = subprocess.run(["objdump", "-d", "--no-show-raw-insn", f"--start-address={start}", f"--stop-address={stop}", image],
                             capture_output=True, text=True, check=True).stdout
    return [(int(at, 16), text) for at, text in re.findall(r"^\s*(\w+):\s+(.*?)\s*$", listing, re.M)]


def symbol(image, name):
    symbols = subprocess.run(["nm", image], capture_output=True, text=True, check=True).stdout
    return int(re.search(rf"^(\w+) \w {name}$", symbols, re.M)[1], 16)


def instructions(image):
    """Offset: text, in order, of the passage's code and of its own gate targets; and where it starts."""
    start = symbol(image, "coop_passage_start")
    lines = disassemble(image, start, start + GUEST_STUBS)
    lines += disassemble(image, start + OWN_STUBS, start + OWN_STUBS + OWN_STUBS_BYTES)
    return {at - start: text for at, text in lines if not text.startswith(PADDING)}, start


def taken(log, vector, start):
    """Offsets at which QEMU's log of interrupts says that the vector was taken, in either view."""
    with log.open(encoding="ascii", errors="replace") as lines:
        found = (re.search(rf": v={vector:02x} .* pc=(\w+) ", line) for line in lines)
        places = {int(match[1], 16) for match in found if match}
    return {at - base for at in places for base in (start, GUEST_TEXT) if 0 <= at - base < TEXT_BYTES}


def stub_vector(offset):
    """Of the passage's own gate target at that offset; None in the code."""
    return (offset - OWN_STUBS) // STUB_STRIDE if offset >= OWN_STUBS else None


class Excuses:
    """Offset: reason. The places are found by what is there, since their labels are not in the image."""

    def __init__(self, code):
        self.at = sorted(offset for offset in code if stub_vector(offset) is None)
        self.code = code
        self.reasons = {}
        inside = self.position("cmpl   $0x2,")
        bug = self.position("cmpq   $0x102,", inside)
        machine_check = self.position("orq    $0x2,", bug)
        resume = self.position("mov    0x20(%rsp),%rax", machine_check)
        course = self.position("lea ", resume)
        self.machine_check = self.at[machine_check:machine_check + 2]
        self.nmi = self.at[machine_check + 2:resume]
        self.course = self.at[course:course + 3]
        self.add(self.at[bug:machine_check], "an exception in the host's view, a bug of ours, stops the host")
        for vector in range(OWN_STUBS_BYTES // STUB_STRIDE):
            if vector not in RAISED | {NMI, MACHINE_CHECK}:
                self.add(self.stub(vector), f"no instruction of the passage raises vector {vector}")

    def position(self, text, after=0):
        return next(index for index, offset in enumerate(self.at) if index >= after and self.code[offset].startswith(text))

    def stub(self, vector):
        return [offset for offset in self.code if stub_vector(offset) == vector]

    def left_to_the_stub(self):
        """{reason: offsets}, of what the APIC's timer brings no NMI to, but QEMU's gdb stub does."""
        return {
            "NMIs are open there only behind a machine check": [*self.course, *self.machine_check, *self.stub(MACHINE_CHECK)],
            "from guests that watch the passage": self.stub(DEBUG),
            "under -icount no time passes between an exception and its handler": [self.stub(vector)[0] for vector in sorted(RAISED - {DEBUG})],
        }

    def add(self, offsets, reason):
        self.reasons.update(dict.fromkeys(offsets, reason))


def account(code, hit, reasons):
    """Lines for the report, and what was missed: neither hit nor excused."""
    lines = [f"# not hit: {offset:#x}: {code[offset]}: {reasons[offset]}\n" for offset in code if offset in reasons and offset not in hit]
    return lines, [f"never hit: {offset:#x}: {code[offset]}" for offset in code if offset not in hit and offset not in reasons]
