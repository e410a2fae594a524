# SPDX-License-Identifier: GPL-2.0-only
"""Where interrupts of the host's were taken around a switch: runs case interrupt_sweep, then reads QEMU's log of interrupts. Fails if
one was taken inside the passage but for the doorbell's first instructions, or if the last instruction before a window or the first
behind it was missed, of the host's or the guest's.

Usage: interrupt_coverage.py [NAME=VALUE]… (the case's words)
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

import machines
import passage
import run

VECTOR = "45"
GUEST_CODE, GUEST_RUN_BYTES = 0x10000, 0x200000  # guests/guest.h


def function(image, name):
    """Addresses and texts of a function's instructions, in order."""
    listing = subprocess.run(["objdump", "-d", "--no-show-raw-insn", f"--disassemble={name}", image], capture_output=True, text=True,
                             check=True).stdout
    return [(int(at, 16), text) for at, text in re.findall(r"^\s*(\w+):\s+(.*?)\s*$", listing, re.M)]


def position(code, text):
    return next(index for index, (_, found) in enumerate(code) if found.startswith(text))


def taken(log):
    """Where hardware's interrupts were taken; not what INT raised again."""
    with log.open(encoding="ascii", errors="replace") as lines:
        found = (re.search(rf": v={VECTOR} e=\w+ i=0 .* pc=(\w+) ", line) for line in lines)
        return {int(match[1], 16) for match in found if match}


def main():
    build = pathlib.Path(os.environ["COOP_BUILD_DIR"]).resolve()
    image = build / "tests/metal" / machines.IMAGE
    with tempfile.TemporaryDirectory(prefix="coop-metal-") as folder:
        os.chdir(folder)
        report = machines.MACHINES["icount"].run(build / "tests/metal", ["interrupt_sweep", *sys.argv[1:]], run.SECONDS)
        found = taken(pathlib.Path("interrupts.log"))
    code, start = passage.instructions(image)
    begin, end = function(image, "coop_host_critical_begin"), function(image, "coop_host_critical_end")
    off = passage.GUEST_TEXT + next(offset for offset, text in code.items() if text == "cli")
    doorbell = [passage.GUEST_TEXT + offset for offset in code if passage.GUEST_TEXT + offset <= off]
    # STI lets interrupts in behind the instruction that follows it, which is a jump.
    behind = int(re.search(r"jmp\s+(\w+)", end[position(end, "sti") + 1][1])[1], 16)
    in_guest = {at % GUEST_RUN_BYTES - GUEST_CODE for at in found if at < passage.GUEST_TEXT}
    rings = function(build / "tests/metal/coop_metal_state_guest", "state_guest_doorbell")
    call = position(rings, "call")
    wanted = {"the host's CLI": begin[position(begin, "cli")][0], "the second behind the host's STI": behind,
              **{f"the doorbell at {at - doorbell[0]:#x}": at for at in doorbell}}
    edges = {"the guest's last before the doorbell": rings[call][0], "the guest's first behind IRETQ": rings[call + 1][0],
             "the guest's second behind IRETQ": rings[call + 2][0]}
    inside = {at for at in found for base in (start, passage.GUEST_TEXT) if 0 <= at - base < passage.TEXT_BYTES} - set(doorbell)
    missing = [name for name, at in wanted.items() if at not in found] + [name for name, at in edges.items() if at not in in_guest]
    windows = len(wanted) + len(edges)
    report += f"figures: interrupt_windows {windows} interrupt_windows_hit {windows - len(missing)} interrupt_places {len(found)}\n"
    (build / "test-logs").mkdir(exist_ok=True)
    (build / "test-logs/metal-interrupts.log").write_text(report, encoding="utf-8")
    print("\n".join(re.findall(r"^(?:figures|#).*", report, re.M)))
    problems = run.complaints(report) + [f"never taken at {name}" for name in missing] + [f"taken inside the passage: {at:#x}" for at in inside]
    if problems:
        sys.exit(f"metal: {problems}")


if __name__ == "__main__":
    main()
