# SPDX-License-Identifier: GPL-2.0-only
# Timeout: 2400
"""A whole Debian as the guest of whole Debian kernels: boot to login, work, stop cleanly, keep its data."""

import json
import time
import unittest

from harness import Host, coop

FRAME_KIB = 4
# What the host's own caches and per-CPU lists may keep after a guest's whole life.
NOISE_KIB = 64 * 1024


def free_kib(host):
    host.check_run("sync; echo 3 >/proc/sys/vm/drop_caches; sleep 1")
    return int(host.check_run("awk '/^MemFree/{print $2}' /proc/meminfo"))


def stats(host, name="demo"):
    return json.loads(host.check_run(f"coopctl stats --json {name}"))


def status(host, name="demo"):
    return json.loads(host.check_run(f"coopctl status --json {name}"))


def end_reason(host, name="demo"):
    return status(host, name)["end"]["reason"]


def login(guest):
    console = guest.console()
    console.login()
    return console


class Life(unittest.TestCase):
    def check_inside(self, host, console, memory):
        code, release = console.run("uname -a")
        self.assertEqual(code, 0)
        self.assertIn("6.12", release)
        self.assertNotEqual(release.strip(), host.check_run("uname -a").strip())
        _, state = console.run("systemctl is-system-running --wait; systemctl --failed --no-legend", timeout=240)
        self.assertEqual(state.strip(), "running")
        total = int(console.run("awk '/^MemTotal/{print $2}' /proc/meminfo")[1])
        self.assertGreater(total, int(memory[:-1]) * 1024 * 0.6)
        self.assertEqual(console.run("cat /sys/devices/system/clocksource/clocksource0/current_clocksource")[1].strip(),
                         "tsc")
        self.assertEqual(console.run("dmesg | grep -E 'WARNING:|BUG:|Call Trace|rcu.* stall|lockup'"), (1, ""))

    def check_seen_from_outside(self, host):
        self.assertIn("demo", host.check_run("coopctl list"))
        self.assertIn("running", host.check_run("coopctl status demo"))
        first = stats(host)
        time.sleep(1)
        second = stats(host)
        self.assertGreater(second["switches"], first["switches"])

    def check_data_survives(self, host, guest, memory):
        console = login(guest)
        self.check_inside(host, console, memory)
        self.check_seen_from_outside(host)
        self.assertEqual(console.run("head -c 3000000 /dev/urandom >/root/data && md5sum </root/data >/root/sum")[0], 0)
        guest.stop()
        self.assertEqual(end_reason(host), "poweroff")
        host.check_run(f"e2fsck -fn {coop.IMAGE}", timeout=240)
        guest.start()
        self.assertEqual(login(guest).run("md5sum </root/data | cmp - /root/sum"), (0, ""))
        guest.stop()
        host.check_run(f"e2fsck -fn {coop.IMAGE}", timeout=240)

    def check_hosts(self, hosts):
        for options in hosts:
            memory = options["memory"]
            machine = {key: value for key, value in options.items() if key != "memory"}
            with self.subTest(**options), Host(memory_mib=2048, guest_kernel=True, **machine) as host:
                coop.load_module(host)
                before = free_kib(host)
                self.check_data_survives(host, coop.Guest(host, memory=memory), memory)
                self.assertLess(before - free_kib(host), NOISE_KIB)
                coop.unload_module(host)

    def test_two_guests(self):
        with Host(kernel="6.12", smp=2, memory_mib=2048, guest_kernel=True) as host:
            coop.load_module(host)
            guests = [coop.Guest(host, "one", memory="256M", image="/scratch/guest.ext4"),
                      coop.Guest(host, "two", memory="256M", image="/scratch/guest2.ext4")]
            for guest in guests:
                guest.start()
            consoles = [login(guest) for guest in guests]
            work = "for i in $(seq 20); do head -c 2000000 /dev/zero | sha256sum; done | sort -u | cut -c1-16"
            digest = host.check_run(work)
            for console in consoles:
                self.assertEqual(console.run(work, timeout=300), (0, digest))
            for guest in guests:
                guest.stop()
            coop.unload_module(host)


if __name__ == "__main__":
    unittest.main(verbosity=2)
