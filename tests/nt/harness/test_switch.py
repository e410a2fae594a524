# SPDX-License-Identifier: GPL-2.0-only
# Timeout: 900
"""The tiny guest by bare requests, as in integration.switch, with coop.sys in the NT-ABI harness beneath."""

import unittest

from nt_host import NtHost, integration
from harness import tiny  # found by nt_host

linux = integration("test_switch")

SWITCHES = 100000
LOAD = "python3 -c 'import os, signal, time; os.sched_setaffinity(0, [%d]); " \
       "signal.signal(signal.SIGALRM, lambda *_: None); signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001); time.sleep(100000)'"


class Switch(linux.Switch):
    stuck_limit = "registry=StuckLimitMs=2000"
    test_on_each_host = None

    def check_many_switches(self, host):
        """Two guests that ring their doorbells, one that works, and a timer's interrupt every millisecond on each CPU."""
        load = [host.start(LOAD % cpu) for cpu in range(2)]
        before = self.timer_interrupts(host)
        guests = [host.start(tiny.command(*work)) for work in [(tiny.DOORBELLS, SWITCHES // 2)] * 2 + [(tiny.EVENTS, 2000)]]
        results = [tiny.parse(guest.wait(300).out) for guest in guests]
        came = self.timer_interrupts(host) - before
        for job in load:
            self.assertIsNone(job.status, job.err)
            job.signal(9)
        self.assertEqual([result["end"] for result in results], [tiny.END_POWEROFF] * 3)
        switches = sum(result["switches"] for result in results)
        forwarded = sum(result["interrupts"] for result in results)
        print(f"{switches} switches, {came} timer interrupts, {forwarded} interrupts taken in a guest", flush=True)
        self.assertGreaterEqual(switches, SWITCHES)
        self.assertGreaterEqual(forwarded, 2000)
        self.assertGreater(came, 1000)

    @staticmethod
    def timer_interrupts(host):
        return int(host.check_run("awk '/LOC:/{print $2 + $3}' /proc/interrupts"))

    def check(self, **options):
        with NtHost(smp=2, memory_mib=1024, **options) as host:
            host.check_run("insmod $module")
            self.check_doorbells(host)
            self.check_events(host)
            self.check_exception(host)
            self.check_guests_side_by_side(host)
            self.check_many_switches(host)
            self.check_kills(host)
            self.check_eviction(host)
            host.unload()

    def test_on_6_12(self):
        self.check(kernel="6.12")

    def test_on_6_1(self):
        self.check(kernel="6.1")


if __name__ == "__main__":
    unittest.main(verbosity=2)
