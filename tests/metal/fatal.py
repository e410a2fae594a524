# SPDX-License-Identifier: GPL-2.0-only
"""What docs/threat-model.md calls not contained: case fatal, one boot for each way. Fails if the machine outlives one, which then is
contained and should be tested as such, or ends otherwise than it is said to.

Usage: fatal.py [a part of the ways' names]
"""

import os
import pathlib
import subprocess
import sys

import machines

RESETS, HANGS, REPORTED = "resets", "hangs", "the host's own report"
# In the order of the case's ways: the machine, and how it ends.
WAYS = {
    "no IDT, interrupts on": ("one_cpu", {RESETS}),
    "no GDT, interrupts on": ("one_cpu", {RESETS}),
    "NXE cleared": ("one_cpu", {RESETS}),
    "the passage's data overwritten": ("one_cpu", {RESETS, HANGS}),
    "triple fault": ("one_cpu", {RESETS}),
    "no page tables": ("one_cpu", {RESETS}),
    # QEMU hangs in a MOV CR4 that should fault.
    "the host's CR4 in the passage's data overwritten": ("bochs", {REPORTED}),
    "reset by port": ("one_cpu", {RESETS}),
}
SECONDS = 30


def outcome(build, machine, way):
    hangs = False
    try:
        report = machines.MACHINES[machine].run(build / "tests/metal", ["fatal", f"way={way}"], SECONDS)
    except subprocess.TimeoutExpired as error:
        report, hangs = (error.stdout or b"").decode(errors="replace"), True
    if "# the guest runs" not in report:
        return f"the guest never ran: {report}"
    if "# contained" in report:
        return "lives on"
    if "# bug in the core" in report and "not ok - panic" in report:
        return REPORTED
    # QEMU leaves with 0 when a machine resets (-no-reboot).
    return HANGS if hangs else RESETS if "# QEMU ended with status 0" in report else f"ends otherwise: {report}"


def main():
    build = pathlib.Path(os.environ["COOP_BUILD_DIR"])
    found = {name: outcome(build, machine, way) for way, (name, (machine, _)) in enumerate(WAYS.items())
             if " ".join(sys.argv[1:]) in name}
    for name, what in found.items():
        print(f"{name}: {what}")
    wrong = [name for name, what in found.items() if what not in WAYS[name][1]]
    if wrong:
        sys.exit(f"metal: not as it is said to end: {'; '.join(wrong)}")


if __name__ == "__main__":
    main()
