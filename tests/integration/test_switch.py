# SPDX-License-Identifier: GPL-2.0-only
# Timeout: 1500
"""The world switch and the driver alone: a guest of a few instructions, driven by bare ioctls, beside real host kernels."""

import random
import time
import unittest

from harness import Host
from harness.memory import NOISE_KIB, free_kib

TINY = "/share/build/tests/integration/tiny/coop_tiny"
END_POWEROFF, END_STUCK, END_EXCEPTION = 1, 17, 18
UNKNOWN_NMI = (r"Uhhuh\. NMI received for unknown reason", r"Dazed and confused", r"strange power saving mode")
# Each kernel with each paging depth and each number of CPUs at least once.
HOSTS = [dict(kernel="6.1", la57=False, smp=1), dict(kernel="6.1", la57=True, smp=2),
         dict(kernel="6.12", la57=False, smp=2), dict(kernel="6.12", la57=True, smp=1)]


def parse(text):
    """The tiny guest's "name value" lines; numbers as integers."""
    pairs = (line.split(maxsplit=1) for line in text.splitlines() if " " in line)
    return {name: int(value) if value.lstrip("-").isdigit() else value for name, value in pairs}


def tiny(host, *arguments, timeout=120):
    return parse(host.check_run(" ".join([TINY, *map(str, arguments)]), timeout=timeout))


class Switch(unittest.TestCase):
    def check_doorbells(self, host):
        result = tiny(host, 0, 20000)
        self.assertEqual(result["end"], END_POWEROFF)
        self.assertEqual(result["switches"], 20002)  # and the first greeting, and the end
        self.assertEqual(result["log"], "hello")

    def check_events(self, host):
        result = tiny(host, 1, 300)
        self.assertEqual(result["end"], END_POWEROFF)
        self.assertGreaterEqual(result["events"], 300)
        self.assertGreaterEqual(result["interrupts"], 300)

    def check_exception(self, host):
        result = tiny(host, 3, 1)
        self.assertEqual((result["end"], result["detail"]), (END_EXCEPTION, 6))

    def check_guests_side_by_side(self, host):
        jobs = [host.start(f"{TINY} {mode} {count}") for mode, count in ((0, 50000), (1, 200), (1, 200))]
        for job in jobs:
            status, out, err = job.wait(180)
            self.assertEqual((status, parse(out)["end"]), (0, END_POWEROFF), err)

    def test_on_each_host(self):
        for options in HOSTS:
            with self.subTest(**options), Host(memory_mib=1024, scratch=False, **options) as host:
                host.check_run("insmod $module")
                tiny(host, 0, 10)
                self.check_doorbells(host)
                self.check_events(host)
                self.check_exception(host)
                self.check_guests_side_by_side(host)
                host.check_run("rmmod coop")

    def test_a_killed_process_leaves_nothing(self):
        with Host(kernel="6.12", smp=2, memory_mib=1024, scratch=False) as host:
            host.check_run("insmod $module")
            tiny(host, 1, 10)
            before = free_kib(host)
            for _ in range(30):
                host.run(f"timeout -s KILL {random.uniform(0.01, 0.4):.3f} {TINY} 1 1000000")
            host.check_run("rmmod coop")
            self.assertLess(before - free_kib(host), NOISE_KIB)

    def test_nmis_reach_the_host(self):
        for kernel in ("6.1", "6.12"):
            with self.subTest(kernel=kernel), \
                    Host(kernel=kernel, smp=1, memory_mib=1024, scratch=False, allow_log=UNKNOWN_NMI) as host:
                host.check_run("insmod $module")
                # A mix of long stays in the guest and many switches, so that NMIs hit both the guest and the passage.
                jobs = [host.start(f"{TINY} 1 1500"), host.start(f"{TINY} 0 300000")]
                sent = 0
                while any(job.status is None for job in jobs) and sent < 3000:
                    host.hmp("nmi")
                    sent += 1
                    time.sleep(0.002)
                results = [parse(job.wait(300).out) for job in jobs]
                self.assertEqual([r["end"] for r in results], [END_POWEROFF] * 2)
                self.assertGreater(sum(r["nmis"] for r in results), sent // 20)
                handled = int(host.check_run("awk '/NMI:/{print $2}' /proc/interrupts"))
                # NMIs that come while one is blocked are merged, as on any machine; none may vanish otherwise.
                self.assertGreater(handled, 0)
                self.assertGreaterEqual(handled, sum(r["nmis"] for r in results))
                host.check_run("rmmod coop")

    def test_a_guest_that_keeps_interrupts_off_is_evicted(self):
        for kernel in ("6.1", "6.12"):
            with self.subTest(kernel=kernel), Host(kernel=kernel, smp=2, memory_mib=1024, scratch=False) as host:
                host.check_run("insmod $module stuck_limit_ms=2000")
                since = time.monotonic()
                result = tiny(host, 2, 1, timeout=60)
                self.assertEqual(result["end"], END_STUCK)
                self.assertLess(time.monotonic() - since, 20)
                self.assertGreaterEqual(result["nmis"], 1)
                host.check_run("rmmod coop")


if __name__ == "__main__":
    unittest.main(verbosity=2)
