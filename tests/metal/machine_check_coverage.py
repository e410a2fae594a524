# SPDX-License-Identifier: GPL-2.0-only
"""A machine check at each instruction of the passage, and an NMI where nmi_coverage.py has none: runs case machine_checks in QEMU under
its gdb stub, stops at the instruction, and sends the event there by the monitor. Fails as run.py does, or if one was not hit that could be.

Usage: machine_check_coverage.py [NAME=VALUE]… (the case's words)
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import gdb_stub
import machines
import passage
import run

# An uncorrected error in bank 1 (SDM 3B 15.3.2.2: VAL UC EN PCC), of which the machine does not say more; MCIP.
COMMANDS = {"machine check": "mce 0 1 0xb200000000000000 0x4 0 0", "NMI": "nmi"}
VECTORS = {"machine check": passage.MACHINE_CHECK, "NMI": passage.NMI}
IDLE_ROUNDS = (40, 8)  # without an event, until a plan is done with: of the state test's guest, which goes different ways; of others
AT_ONCE = 16  # breakpoints where the passage was seen before
# Where one is sent first: on the way in, with the passage's IDT in force and with the guest's.
OPENINGS = ("btr ", "cmpq   $0x0,0x190(%rdi)")


class Plan:
    """Rounds of one kind. opening: an event to be sent first; event: the one that is to hit each instruction."""

    def __init__(self, event, opening=None):
        self.event, self.opening = event, opening
        self.idle = 0
        self.again = []  # came by when an event was on its way already


def plans():
    """By the case's enum kind: the state test's guest, one without a TSS, one whose segments go, one that is
    entered again at once, and those that end."""
    others = [[Plan("machine check"), Plan("NMI")] for _ in range(7)]
    return [[Plan("machine check"), Plan("machine check", "NMI"), Plan("NMI", "machine check")], *others]


class Driver:
    """wanted: {event: offsets in the passage}"""

    def __init__(self, stub, image, start, code, wanted):
        self.stub, self.plans, self.plan = stub, plans(), None
        self.openings = [passage.GUEST_TEXT + next(offset for offset, text in code.items() if text.startswith(place)) for place in OPENINGS]
        self.round_at = passage.symbol(image, "metal_machine_check_round")
        self.mailbox = passage.symbol(image, "metal_machine_check_driver")
        self.wanted = {event: {base + offset for base in (start, passage.GUEST_TEXT) for offset in offsets} for event, offsets in wanted.items()}
        self.inserted = set()
        self.sent = dict.fromkeys(COMMANDS, 0)
        self.coming = set()  # events of this round

    def insert(self, *addresses):
        for address in {*addresses} - self.inserted:
            self.stub.insert(address)
        self.inserted |= {*addresses}

    def remove(self, *addresses):
        for address in {*addresses} & self.inserted:
            self.stub.remove(address)
        self.inserted -= {*addresses}

    def send(self, event):
        self.stub.monitor(COMMANDS[event])
        self.sent[event] += 1
        self.coming.add(event)

    def begin_round(self, kind):
        plan = next((plan for plan in self.plans[kind] if plan.idle < IDLE_ROUNDS[kind > 0]), None)
        if plan is not self.plan:
            self.remove(*self.inserted)
            if self.plan:
                self.wanted[self.plan.event] |= {*self.plan.again}  # for others
            if plan:
                self.insert(*self.wanted[plan.event])
        self.plan = plan
        self.coming.clear()
        if plan:
            plan.idle += 1
            plan.again = plan.again[AT_ONCE:] + plan.again[:AT_ONCE]
            if plan.opening:
                self.insert(self.openings[plan.idle % len(self.openings)])
            else:
                self.insert(*plan.again[:AT_ONCE])
        self.stub.write(self.mailbox, [plan is not None, self.sent["machine check"], self.sent["NMI"]])

    def reach(self, address):
        plan = self.plan
        self.remove(address)
        if plan.opening and not self.coming and address in self.openings:
            self.send(plan.opening)
            self.insert(*plan.again[:AT_ONCE])
        elif address in self.wanted[plan.event] or address in plan.again:
            self.wanted[plan.event].discard(address)
            if plan.event in self.coming or (plan.opening and not self.coming):
                plan.again += [address] if address not in plan.again else []
            else:
                plan.again = [other for other in plan.again if other != address]
                plan.idle = 0
                self.send(plan.event)

    def drive(self):
        self.stub.insert(self.round_at)
        while True:
            self.stub.run()
            registers = self.stub.registers()
            if registers[gdb_stub.RIP] == self.round_at:
                self.begin_round(registers[gdb_stub.RDI])
                self.stub.step()
            else:
                self.reach(registers[gdb_stub.RIP])


def boot(build, words, wanted, code, start, folder):
    """The report, {event: offsets at which it was taken}, and {event: how many were sent}."""
    machine, socket, serial = machines.MACHINES["icount"], folder / "gdb", folder / "serial"
    arguments = [*machine.arguments, "-gdb", f"unix:{socket},server=on,wait=off", "-S", "-kernel", build / machines.IMAGE,
                 "-append", " ".join(["cpus=1", *words])]
    trouble, sent = "", dict.fromkeys(COMMANDS, 0)
    with serial.open("wb") as output, subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=folder) as emulator:
        try:
            while not socket.exists() and emulator.poll() is None:
                time.sleep(0.01)
            driver = Driver(gdb_stub.Stub(socket, run.SECONDS), build / machines.IMAGE, start, code, wanted)
            sent = driver.sent
            driver.drive()
        except gdb_stub.Ended:
            emulator.wait(run.SECONDS)
        except (OSError, RuntimeError) as error:
            trouble = f"# QEMU ended by us: {error}\n"
        finally:
            emulator.kill()
    if emulator.returncode != machines.PASSED:
        trouble += f"# QEMU ended with status {emulator.returncode}\n"
    taken = {event: passage.taken(folder / "interrupts.log", vector, start) & {*code} for event, vector in VECTORS.items()}
    return serial.read_text(encoding="utf-8", errors="replace") + trouble, taken, sent


def main():
    build = pathlib.Path(os.environ["COOP_BUILD_DIR"]).resolve()
    code, start = passage.instructions(build / "tests/metal" / machines.IMAGE)
    excuses = passage.Excuses(code)
    excuses.add([*excuses.machine_check, *excuses.stub(passage.MACHINE_CHECK)], "a second machine check in one shuts the CPU down")
    wanted = {"machine check": {*code} - {*excuses.reasons}, "NMI": {offset for offsets in excuses.left_to_the_stub().values() for offset in offsets}}
    with tempfile.TemporaryDirectory(prefix="coop-metal-") as folder:
        report, hit, sent = boot(build / "tests/metal", ["machine_checks", *sys.argv[1:]], wanted, code, start, pathlib.Path(folder))
    lines, missing = passage.account(code, hit["machine check"], excuses.reasons)
    missing += [f"never hit by an NMI: {offset:#x}: {code[offset]}" for offset in sorted(wanted["NMI"] - hit["NMI"])]
    report += "".join(lines)
    report += (f"figures: machine_check_instructions {len(code)} machine_check_hit {len(hit['machine check'])} "
               f"machine_check_excused {len(lines)} machine_checks {sent['machine check']} machine_check_nmis {sent['NMI']}\n")
    (build / "test-logs").mkdir(exist_ok=True)
    (build / "test-logs/metal-machine-checks.log").write_text(report, encoding="utf-8")
    print("\n".join([*re.findall(r"^(?:figures|# (?!not hit)).*", report, re.M), *missing]))
    problems = run.complaints(report)
    if missing or problems:
        sys.exit(f"metal: {len(missing)} instructions never hit; {problems}")


if __name__ == "__main__":
    main()
