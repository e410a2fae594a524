# SPDX-License-Identifier: GPL-2.0-only
# Timeout: 600
"""The host's own life around guests: it accounts for their time, its CPUs come and go, it sleeps and reboots."""

import json
import time
import unittest

from harness import Host, HostFailure, kernel_log, tiny

# Freezes the tasks, waits, and thaws them: the emulated machine need not wake.
SLEEP = "echo freezer >/sys/power/pm_test && python3 -c 'import os; os.write(os.open(\"/sys/power/state\", os.O_WRONLY), b\"freeze\")'"
REBOOT = "python3 -c 'import ctypes; ctypes.CDLL(None).reboot(0x01234567)'"
FOR_EVER = 10**8
STUCK_LIMIT_MS = 2000


class Lifecycle(unittest.TestCase):
    def start_guest(self, host, mode=tiny.EVENTS, cpus="0,1"):
        before = self.users(host)
        job = host.start(f"taskset -c {cpus} {tiny.command(mode, FOR_EVER)}")
        self.assertTrue(self.wait(lambda: self.users(host) > before), "the guest did not start")
        return job

    @staticmethod
    def users(host):
        return int(host.check_run("cat /sys/module/coop/refcnt"))

    @staticmethod
    def wait(condition, seconds=60):
        deadline = time.monotonic() + seconds
        while not condition() and time.monotonic() < deadline:
            time.sleep(0.2)
        return condition()

    def kill(self, host, job):
        host.check_run("pkill -9 -x coop_tiny")
        job.wait(60)
        self.assertTrue(self.wait(lambda: self.users(host) == 0), "a killed guest stays")

    def check_guest_time(self, host):
        """The time that a guest keeps its CPU is the guest's, not the system's."""
        def ticks():
            words = host.check_run("grep '^cpu ' /proc/stat").split()
            return int(words[3]), int(words[9])  # system, guest

        job = self.start_guest(host, tiny.EVENTS)
        system, guest = ticks()
        host.check_run("sleep 5")
        system, guest = (after - before for after, before in zip(ticks(), (system, guest)))
        self.assertGreater(guest, 250)  # of 500
        self.assertLess(system, guest)
        self.kill(host, job)

    def check_cpu_comes_and_goes(self, host):
        """Under a running guest; and the watchdog still keeps an eye on the one CPU from the other that had gone."""
        def eviction():
            checks = json.loads(host.run("coopctl doctor --json").out)["checks"]
            return [check["value"] for check in checks if check["id"] == "nmi-eviction"]

        self.assertEqual(eviction(), ["possible"])
        host.check_run("echo 0 >/sys/devices/system/cpu/cpu1/online")
        self.assertEqual(eviction(), ["not possible"])
        host.check_run("echo 1 >/sys/devices/system/cpu/cpu1/online")
        self.assertEqual(eviction(), ["possible"])
        job = self.start_guest(host)
        for _ in range(5):
            host.check_run("echo 0 >/sys/devices/system/cpu/cpu1/online; sleep 0.5; echo 1 >/sys/devices/system/cpu/cpu1/online; sleep 0.5")
        self.assertIsNone(job.status)
        self.kill(host, job)
        since = time.monotonic()
        result = tiny.parse(host.check_run(f"taskset -c 0 {tiny.command(tiny.STUCK, 1)}", timeout=60))
        self.assertEqual(result["end"], tiny.END_STUCK)
        self.assertLess(time.monotonic() - since, 20)

    def check_sleep(self, host):
        host.check_run(SLEEP)
        job = self.start_guest(host)
        refused = host.run(SLEEP)
        self.assertNotEqual(refused.status, 0)
        self.assertIn("[Errno 16]", refused.err)  # EBUSY
        self.assertIn("sleep refused while guests exist", host.kernel_log())
        self.assertIsNone(job.status)
        self.kill(host, job)
        host.check_run(SLEEP)

    def test_while_guests_run(self):
        with Host(kernel="6.12", smp=2, memory_mib=1024, scratch=False) as host:
            host.check_run(f"insmod $module stuck_limit_ms={STUCK_LIMIT_MS}")
            self.check_guest_time(host)
            self.check_cpu_comes_and_goes(host)
            self.check_sleep(host)
            host.check_run("rmmod coop")

    def test_reboot_ends_guests(self):
        with self.assertRaises(HostFailure) as ended:
            with Host(kernel="6.12", smp=2, memory_mib=1024, scratch=False) as host:
                host.check_run("insmod $module")
                self.start_guest(host)
                host.start(REBOOT)
                self.assertTrue(self.wait(lambda: not host.machine.alive()), "the host did not reboot")
        self.assertIn("reset", str(ended.exception))
        self.assertIn("reboot: Restarting system", host.kernel_log())
        self.assertNotIn("did not leave", host.kernel_log())
        self.assertEqual(kernel_log.trouble(host.kernel_log()), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
