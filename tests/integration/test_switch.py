# SPDX-License-Identifier: GPL-2.0-only
# Timeout: 1500
"""The world switch and the driver alone: a guest of a few instructions, driven by bare ioctls, beside real host kernels."""

import random
import time
import unittest

from harness import Host, tiny
from harness.kernel_log import UNKNOWN_NMI
from harness.memory import NOISE_KIB, free_kib

# NMIs keep apart, since two that come at once are one on any machine; of these few may be missing.
NMI_SECONDS = 0.05
LEAST_HANDLED = 0.9
# Each kernel with each paging depth and each number of CPUs at least once.
HOSTS = [dict(kernel="6.1", la57=False, smp=1), dict(kernel="6.1", la57=True, smp=2),
         dict(kernel="6.12", la57=False, smp=2), dict(kernel="6.12", la57=True, smp=1)]


class Switch(unittest.TestCase):
    stuck_limit = ""  # as it comes

    def check_doorbells(self, host):
        result = tiny.run(host, tiny.DOORBELLS, 20000)
        self.assertEqual(result["end"], tiny.END_POWEROFF)
        self.assertEqual(result["switches"], 20002)  # and the first greeting, and the end
        self.assertEqual(result["log"], "hello")

    def check_events(self, host):
        result = tiny.run(host, tiny.EVENTS, 300)
        self.assertEqual(result["end"], tiny.END_POWEROFF)
        self.assertGreaterEqual(result["events"], 300)
        self.assertGreaterEqual(result["interrupts"], 300)

    def check_exception(self, host):
        result = tiny.run(host, tiny.FAULT, 1)
        self.assertEqual((result["end"], result["detail"]), (tiny.END_EXCEPTION, 6))

    def check_guests_side_by_side(self, host):
        work = [(tiny.DOORBELLS, 50000), (tiny.EVENTS, 200), (tiny.EVENTS, 200)]
        jobs = [host.start(tiny.command(mode, count)) for mode, count in work]
        for job in jobs:
            status, out, err = job.wait(180)
            self.assertEqual((status, tiny.parse(out)["end"]), (0, tiny.END_POWEROFF), err)

    def check_kills(self, host):
        """A killed process leaves nothing."""
        before = free_kib(host)
        for _ in range(30):
            host.run(f"timeout -s KILL {random.uniform(0.01, 0.4):.3f} {tiny.command(tiny.EVENTS, 1000000)}")
        host.check_run("rmmod $module")
        self.assertLess(before - free_kib(host), NOISE_KIB)
        host.check_run("insmod $module")

    @staticmethod
    def handled(host):
        return int(host.check_run("awk '/NMI:/{print $2}' /proc/interrupts"))

    def check_nmis(self, host):
        """They reach the host from the guest and from the passage: few switches and long stays, and many switches."""
        jobs = [host.start(tiny.command(tiny.EVENTS, 1500)), host.start(tiny.command(tiny.DOORBELLS, 300000))]
        sent, before = 0, self.handled(host)
        while any(job.status is None for job in jobs) and sent < 3000:
            host.hmp("nmi")
            sent += 1
            time.sleep(NMI_SECONDS)
        results = [tiny.parse(job.wait(300).out) for job in jobs]
        self.assertEqual([r["end"] for r in results], [tiny.END_POWEROFF] * 2)
        self.assertGreater(sum(r["nmis"] for r in results), sent // 20)
        handled = self.handled(host) - before
        print(f"{sent} NMIs sent, {handled} handled, {sum(r['nmis'] for r in results)} of them from guests or the passage", flush=True)
        self.assertGreaterEqual(handled, sum(r["nmis"] for r in results))
        self.assertGreaterEqual(handled, LEAST_HANDLED * sent)

    def check_stuck_limit(self, host):
        """A stuck guest goes before the host's hard-lockup detector can see it: 400 ms for each second of its threshold
        (hosts/linux/lifecycle.c)."""
        limit_ms, threshold_s = map(int, host.check_run(
            "cat /sys/module/coop/parameters/stuck_limit_ms /proc/sys/kernel/watchdog_thresh").split())
        self.assertLess(limit_ms, 400 * threshold_s)

    def check_eviction(self, host):
        """A guest that keeps interrupts off must go; that takes a second CPU."""
        host.check_run(f"rmmod $module && insmod $module {self.stuck_limit}")
        since = time.monotonic()
        result = tiny.run(host, tiny.STUCK, 1, timeout=60)
        self.assertEqual(result["end"], tiny.END_STUCK)
        self.assertLess(time.monotonic() - since, 20)
        self.assertGreaterEqual(result["nmis"], 1)

    def check_machine(self, host, kernel, la57, smp):
        """It is the host that was asked for."""
        self.assertEqual(host.check_run("uname -r").strip(), host.artifacts.release)
        self.assertTrue(host.artifacts.release.startswith(kernel + "."))
        self.assertEqual("la57" in host.check_run("grep -m1 ^flags /proc/cpuinfo").split(), la57)
        self.assertEqual(host.check_run("nproc").strip(), str(smp))

    def test_on_each_host(self):
        for options in HOSTS:
            one_cpu = options["smp"] == 1
            with self.subTest(**options), Host(memory_mib=1024, scratch=False, **options,
                                               allow_log=UNKNOWN_NMI if one_cpu else ()) as host:
                self.check_machine(host, **options)
                host.check_run("insmod $module")
                tiny.run(host, tiny.DOORBELLS, 10)
                self.check_doorbells(host)
                self.check_events(host)
                self.check_exception(host)
                self.check_guests_side_by_side(host)
                if one_cpu:
                    self.check_nmis(host)
                else:
                    self.check_kills(host)
                    self.check_stuck_limit(host)
                    self.check_eviction(host)
                host.check_run("rmmod $module")


if __name__ == "__main__":
    unittest.main(verbosity=2)
