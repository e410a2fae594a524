# SPDX-License-Identifier: GPL-2.0-only
# Timeout: 1800
# Labels: long
"""The figures of docs/performance.md: counts of instructions and switches, which do not depend on how busy the machine is."""

import time
import unittest

from harness import Host, coop, tiny
from harness.emulator import COUNTED

READS = 2000
DOORBELL_GOAL = 200
IDLE_SECONDS = 30
IDLE_GOAL = 20
GUEST_HZ = 250  # guest-kernel/config
# The name says how often the command does it.
OPERATIONS = {
    "400000 system calls": "dd if=/dev/zero of=/dev/null bs=1 count=200000 2>/dev/null",
    "300 forks and execs": "for i in $(seq 300); do /bin/true; done",
    "20000 context switches": "dd if=/dev/zero bs=64 count=10000 2>/dev/null | dd of=/dev/null bs=64 2>/dev/null",
    "32000 page faults": "for i in 1 2; do dd if=/dev/zero of=/dev/null bs=64000k count=1 2>/dev/null; done",
}
# What a command causes by being run at all: its text comes and its status goes by the console, whose driver spins, and so
# yields, until the host has taken what it wrote. The busier the host, the more.
CONSOLE_DOORBELLS = 250
READ = "dd if=/dev/vda of=/dev/null bs=4k iflag=direct 2>/dev/null"


def figure(name, value):
    print(f"figure: {name}: {value}", flush=True)


def difference(after, before):
    """Doorbells by reason, those that there were."""
    return {reason: count - before[reason] for reason, count in after.items() if count != before[reason]}


def in_words(doorbells):
    return ", ".join(f"{count} {reason}" for reason, count in doorbells.items()) or "none"


class Figures(unittest.TestCase):
    def test_instructions_per_doorbell(self):
        with Host(kernel="6.12", la57=False, smp=1, memory_mib=1024, scratch=False, qemu=COUNTED) as host:
            host.check_run("insmod $module")
            count = 20000
            result = tiny.run(host, tiny.MEASURE, count)
            instructions = round(result["elapsed"] / count, 1)
            figure("instructions per doorbell round trip", instructions)
            self.assertLessEqual(instructions, DOORBELL_GOAL)
            host.check_run("rmmod coop")

    def doorbells(self, guest, console, command):
        """Doorbells by reason while a command runs in the guest, and for how many seconds it ran."""
        before, since = guest.stats()["doorbells"], time.monotonic()
        self.assertEqual(console.run(command, timeout=300)[0], 0)
        seconds = time.monotonic() - since
        return difference(guest.stats()["doorbells"], before), seconds

    def check_idle(self, guest):
        before, since = guest.stats(), time.monotonic()
        time.sleep(IDLE_SECONDS)
        after, seconds = guest.stats(), time.monotonic() - since
        rate = (after["switches"] - before["switches"]) / seconds
        figure("switches per second of an idle guest", f"{rate:.1f} (in {seconds:.0f} s: "
               f"{in_words(difference(after['doorbells'], before['doorbells']))}, "
               f"{after['interrupts_forwarded'] - before['interrupts_forwarded']} host interrupts, of them "
               f"{after['self_interrupts'] - before['self_interrupts']} sent by the monitor to get in)")
        self.assertLessEqual(rate, IDLE_GOAL)

    def check_operations(self, guest, console):
        figure("doorbells of a command that does nothing", in_words(self.doorbells(guest, console, "true")[0]))
        for name, command in OPERATIONS.items():
            rung, seconds = self.doorbells(guest, console, command)
            figure(f"doorbells during {name}", f"{in_words(rung)}, in {seconds:.1f} s")
            # The tick sets its timer anew each time; that is a matter of time, not of what is done.
            self.assertLessEqual(rung.pop("timer", 0), GUEST_HZ * 1.1 * seconds + CONSOLE_DOORBELLS)
            self.assertLessEqual(sum(rung.values()), CONSOLE_DOORBELLS)

    def check_reads(self, guest, console):
        one = f"{READ} count={READS}"
        many = f"for i in $(seq 32); do {READ} skip=$((i * 1000)) count={READS // 32} & done; wait"
        for name, command in {"one at a time": one, "32 at once": many}.items():
            rung, _ = self.doorbells(guest, console, command)
            figure(f"doorbells per 4 KiB read, {name}", f"{sum(rung.values()) / READS:.2f} ({in_words(rung)})")

    def test_switches(self):
        with Host(kernel="6.12", smp=2, memory_mib=2048, guest_kernel=True) as host:
            coop.load_module(host)
            guest = coop.Guest(host)
            guest.start()
            console = guest.login()
            console.run("systemctl is-system-running --wait", timeout=600)
            time.sleep(20)
            for check in (lambda: self.check_idle(guest), lambda: self.check_operations(guest, console),
                          lambda: self.check_reads(guest, console)):
                with self.subTest():  # one missed goal must not hide the other figures
                    check()
            guest.stop()
            coop.unload_module(host)


if __name__ == "__main__":
    unittest.main(verbosity=2)
