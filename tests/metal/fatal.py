# SPDX-License-Identifier: GPL-2.0-only
"""What docs/threat-model.md calls not contained: case fatal, one boot for each way. Fails if the machine outlives one, which then is
contained and should be tested as such, or ends otherwise than it is said to.

Usage: fatal.py [a part of the ways' names]
"""

import contextlib
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time

import machines

RESETS, HANGS, REPORTED = "resets", "hangs", "the host's own report"
UNDEFINED = "the host's own report of the passage's UD2"  # the way to tell more is what is broken
MONITORED = "one_cpu, sent a machine check"
# In the order of the case's ways: the machine, and how it ends.
WAYS = {
    "no IDT, interrupts on": ("one_cpu", {RESETS}),
    "no GDT, interrupts on": ("one_cpu", {RESETS}),
    "NXE cleared": ("one_cpu", {RESETS}),
    "the passage's data overwritten": ("one_cpu", {RESETS, HANGS}),
    "triple fault": ("one_cpu", {RESETS}),
    "no page tables": ("one_cpu", {RESETS}),
    # QEMU hangs in a MOV CR4 that should fault.
    "the host's CR4 in the passage's data overwritten, on the way in": ("bochs", {REPORTED}),
    "the host's CR4 in the passage's data overwritten, on the way out": ("bochs", {UNDEFINED}),
    "reset by port": ("one_cpu", {RESETS}),
    "no interrupt stacks": ("one_cpu", {RESETS}),
    "the passage unmapped": ("one_cpu", {RESETS}),
    "NMIs sent elsewhere, interrupts off, a second CPU that evicts": ("qemu", {HANGS}),
    "CR4.MCE clear in a machine check": (MONITORED, {RESETS}),
}
SECONDS = 30
CR4_PSE, CR4_MCE = 1 << 4, 1 << 6
# An uncorrected error in bank 1 (SDM 3B 15.3.2.2: VAL UC EN PCC); MCIP.
MACHINE_CHECK = b"mce 0 1 0xb200000000000000 0x4 0 0\n"


def send_machine_check(path):
    """By QEMU's monitor, to the guest without CR4.MCE: of all here only guests begin with PSE."""
    with socket.socket(socket.AF_UNIX) as monitor, contextlib.suppress(OSError):
        while monitor.connect_ex(str(path)):
            time.sleep(0.1)
        cr4 = 0
        while cr4 & (CR4_PSE | CR4_MCE) != CR4_PSE:
            monitor.sendall(b"info registers\n")
            time.sleep(0.2)
            found = re.findall(rb"CR4=(\w+)", monitor.recv(1 << 20))
            cr4 = int(found[-1], 16) if found else 0
        monitor.sendall(MACHINE_CHECK)
        while monitor.recv(1 << 20):
            pass


@contextlib.contextmanager
def under_machine_check():
    """A machine with one CPU that is sent one."""
    with tempfile.TemporaryDirectory(prefix="coop-metal-") as folder:
        path = pathlib.Path(folder) / "monitor"
        threading.Thread(target=send_machine_check, args=[path], daemon=True).start()
        yield machines.Qemu(cpus=1, options=["-monitor", f"unix:{path},server=on,wait=off"])


def outcome(build, machine, way):
    hangs = False
    try:
        with under_machine_check() if machine == MONITORED else contextlib.nullcontext(machines.MACHINES[machine]) as emulator:
            report = emulator.run(build / "tests/metal", ["fatal", f"way={way}"], SECONDS)
    except subprocess.TimeoutExpired as error:
        report, hangs = (error.stdout or b"").decode(errors="replace"), True
    if "# the guest runs" not in report:
        return f"the guest never ran: {report}"
    if "# contained" in report:
        return "lives on"
    if "# bug in the core" in report and "not ok - panic" in report:
        return REPORTED
    if "# vector 6 " in report and "not ok - panic" in report:
        return UNDEFINED
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
