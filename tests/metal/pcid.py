# SPDX-License-Identifier: GPL-2.0-only
"""Could a CPU that tags its TLB with process-context identifiers have used another world's translation? Emulators drop all but global
entries at each MOV CR3. So this runs case tlb_pcid in Bochs, which records each instruction and access, and looks them up in a TLB of
its own that forgets nothing but what SDM 3A 4.10.4.1 says. Fails if one entry found there leads to another frame than the page tables.

Usage: pcid.py
"""

import collections
import os
import pathlib
import re
import sys
import tempfile

import machines
import run

PGE, PAE, PCIDE, SMEP = 1 << 7, 1 << 5, 1 << 17, 1 << 20
NO_FLUSH = 1 << 63
LEAST_CONTESTED = 4  # the page and the vCPU's data, under two identifiers
LEAST_LOADS = 30


class Tlb:
    """Entries (identifier, page): frame. No size, nothing global: the case has no global pages."""

    def __init__(self):
        self.entries, self.cr4, self.pcid = {}, None, 0
        self.owners = collections.defaultdict(set)
        self.unflushed = 0

    def drop(self, pcid):
        self.entries = {key: frame for key, frame in self.entries.items() if key[0] != pcid}

    def write_cr3(self, value):
        tagged = self.cr4 is not None and self.cr4 & PCIDE
        self.pcid = value & 0xFFF if tagged else 0
        if tagged and value & NO_FLUSH:
            self.unflushed += 1
        else:
            self.drop(self.pcid)

    def write_cr4(self, value):
        was, self.cr4 = self.cr4, value
        if was is None:
            return
        if (was ^ value) & PGE or was & ~value & PCIDE:
            self.entries.clear()
        elif (was ^ value) & PAE or ~was & value & SMEP:
            self.drop(self.pcid)

    def use(self, linear, physical):
        """None, or the frame that a CPU could have taken instead."""
        key, frame = (self.pcid, linear >> 12), physical >> 12
        self.owners[key].add(frame)
        known = self.entries.setdefault(key, frame)
        return None if known == frame else known

    def contested(self):
        return sum(len(frames) > 1 for frames in self.owners.values())


REGISTER = re.compile(r"(r\w+)\s*: (\w{8})_(\w{8})$")
ACCESS = re.compile(r"\[CPU0 \w+\]: LIN 0x(\w+) PHY 0x(\w+) ")
INSTRUCTION = re.compile(r"\(0\)\.\[\d+\] \[0x(\w+)\] \w+:(\w+) \(.*?\): (.*?)\s*; \w+$")
LOAD = re.compile(r"mov cr([34]), (\w+)$")
INVALIDATION = re.compile(r"(invlpg|invpcid|invept|invvpid)\b")


def follow(lines, tlb):
    """Yields what went wrong."""
    registers, text, at = {}, "", ""
    for line in lines:
        line = line.rstrip()
        if match := REGISTER.match(line):
            registers[match[1]] = int(match[2] + match[3], 16)
        elif match := INSTRUCTION.match(line):
            at, text = match[2], match[3]
            if (other := tlb.use(int(at, 16), int(match[1], 16))) is not None:
                yield f"{at}: {text}: fetched by a stale translation to frame {other:#x}, identifier {tlb.pcid}"
            if INVALIDATION.match(text):
                yield f"{at}: {text}: not known here"
            if load := LOAD.match(text):
                (tlb.write_cr3 if load[1] == "3" else tlb.write_cr4)(registers[load[2]])
        elif match := ACCESS.match(line):
            if (other := tlb.use(int(match[1], 16), int(match[2], 16))) is not None:
                yield f"{at}: {text}: stale translation of {match[1]} to frame {other:#x} instead of {int(match[2], 16) >> 12:#x}, identifier {tlb.pcid}"


def main():
    build = pathlib.Path(os.environ["COOP_BUILD_DIR"]).resolve()
    tlb, wrong = Tlb(), []
    with tempfile.TemporaryDirectory(prefix="coop-metal-") as folder:
        os.chdir(folder)
        report = machines.MACHINES["recorded"].run(build / "tests/metal", ["tlb_pcid"], run.SECONDS)
        with open(machines.RECORDING, encoding="ascii", errors="replace") as lines:
            wrong = list(follow(lines, tlb))
        os.chdir(build)
    report += f"figures: tlb_lookups {sum(len(frames) for frames in tlb.owners.values())} contested {tlb.contested()} unflushed_loads {tlb.unflushed}\n"
    (build / "test-logs").mkdir(exist_ok=True)
    (build / "test-logs/metal-pcid.log").write_text(report + "\n".join(wrong) + "\n", encoding="utf-8")
    print("\n".join(re.findall(r"^(?:figures|#).*", report, re.M)))
    problems = run.complaints(report)
    if tlb.contested() < LEAST_CONTESTED or tlb.unflushed < LEAST_LOADS:
        problems.append("the case did not contest what it should")
    for line in wrong[:10]:
        print(line)
    if wrong or problems:
        sys.exit(f"metal: {len(wrong)} uses of a stale translation; {problems}")


if __name__ == "__main__":
    main()
