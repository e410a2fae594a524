# SPDX-License-Identifier: GPL-2.0-only
# Timeout: 3600
# Labels: long
"""Each way a whole guest can end is told, and its process can be killed at any moment, again and again, without harm."""

import random
import time
import unittest

from harness import Host, coop
from harness.memory import NOISE_KIB, free_kib

CYCLES = 50
LONGEST_LIFE = 15  # seconds after the kernel is up; systemd is at work then


class Ends(unittest.TestCase):
    def check_end(self, host, command, reason, options=()):
        guest = coop.Guest(host, options=options)
        guest.start()
        guest.login().send(command + "\n")
        guest.wait_for_end(120)
        self.assertEqual(guest.end_reason(), reason)

    def check_reboot(self, host):
        guest = coop.Guest(host)
        guest.start()
        console = guest.login()
        first = console.run("cat /proc/sys/kernel/random/boot_id")
        process = guest.status()["pid"]
        console.send("reboot\n")
        console.login()
        self.assertNotEqual(console.run("cat /proc/sys/kernel/random/boot_id"), first)
        self.assertEqual(guest.status()["pid"], process)
        guest.stop()

    def test_each_end_is_reported(self):
        with Host(kernel="6.12", smp=2, memory_mib=2048, guest_kernel=True) as host:
            coop.load_module(host)
            before = free_kib(host)
            self.check_end(host, "echo c >/proc/sysrq-trigger", "panic")
            self.check_end(host, "poweroff", "poweroff")
            self.check_end(host, "reboot", "reboot", ["--no-reboot"])
            self.check_reboot(host)
            coop.unload_module(host)
            self.assertLess(before - free_kib(host), NOISE_KIB)

    def test_killed_at_any_moment(self):
        seed = random.randrange(1 << 32)
        chance = random.Random(seed)
        print(f"seed {seed}", flush=True)
        with Host(kernel="6.12", smp=2, memory_mib=2048, guest_kernel=True) as host:
            coop.load_module(host)
            guest = coop.Guest(host)
            # The first life fills the host's own caches.
            guest.start()
            guest.kill_process()
            before = free_kib(host)
            for cycle in range(CYCLES):
                if cycle % 5 == 4:  # before it is up
                    job = host.start(guest.start_command())
                    time.sleep(chance.uniform(0, 5))
                    # The command and the guest's process, whichever there are by now; then one that it had just made.
                    host.run("pkill -9 -x coopctl")
                    job.wait(60)
                    host.run("pkill -9 -x coopctl")
                    guest.wait_for_end(120)
                else:
                    guest.start()
                    time.sleep(chance.uniform(0, LONGEST_LIFE))
                    guest.kill_process()
                self.assertFalse(guest.running())
            coop.unload_module(host)
            lost = before - free_kib(host)
            print(f"{CYCLES} lives ended by kill -9; the host has {lost} KiB less free memory than before", flush=True)
            self.assertLess(lost, NOISE_KIB)
            # The image was mounted at each death; it must still be usable.
            coop.load_module(host)
            guest.start()
            coop.check_inside(self, guest.login())
            guest.stop()
            coop.unload_module(host)


if __name__ == "__main__":
    unittest.main(verbosity=2)
