# SPDX-License-Identifier: GPL-2.0-only
# Timeout: 5400
# Labels: long
"""A whole Debian guest's life on every kind of host: each kernel, paging depth and number of CPUs, small to large guests,
and a host whose memory is in pieces. It boots, works, stops, keeps its data, and leaves nothing behind."""

import itertools
import time
import unittest

from harness import Host, coop
from harness.memory import NOISE_KIB, fragment, free_kib

MEMORY = itertools.cycle(["128M", "3G", "512M"])
HOSTS = [dict(kernel=kernel, la57=la57, smp=smp, memory=next(MEMORY))
         for kernel in ("6.1", "6.12") for la57 in (False, True) for smp in (2, 1)]
HOST_MIB = {"128M": 2048, "512M": 2048, "3G": 5120}


class Life(unittest.TestCase):
    def check_work(self, host, guest, memory):
        console = guest.login()
        code, release = console.run("uname -a")
        self.assertEqual(code, 0)
        self.assertIn("6.12", release)
        self.assertNotEqual(release.strip(), host.check_run("uname -a").strip())
        coop.check_inside(self, console)
        total = int(console.run("awk '/^MemTotal/{print $2}' /proc/meminfo")[1])
        mib = int(memory[:-1]) * (1024 if memory[-1] == "G" else 1)
        self.assertGreater(total, mib * 1024 * 0.8)
        # All of it can be written and holds what was written.
        self.assertEqual(console.run(f"mount -t tmpfs -o size={total * 3 // 4}k none /mnt && "
                                     f"head -c {total // 2}K /dev/zero >/mnt/zero && tr -d '\\0' </mnt/zero | wc -c; "
                                     "umount /mnt", timeout=600), (0, "0\n"))
        self.assertIn("demo", host.check_run("coopctl list"))
        self.assertIn("running", host.check_run("coopctl status demo"))
        before = guest.stats()["switches"]
        time.sleep(1)
        self.assertGreater(guest.stats()["switches"], before)
        self.assertEqual(console.run("head -c 3000000 /dev/urandom >/root/data && md5sum </root/data >/root/sum")[0], 0)

    def check_life(self, host, memory):
        guest = coop.Guest(host, memory=memory)
        guest.start()
        self.check_work(host, guest, memory)
        guest.stop()
        self.assertEqual(guest.end_reason(), "poweroff")
        host.check_run(f"e2fsck -fn {coop.IMAGE}", timeout=240)
        guest.start()
        self.assertEqual(guest.login().run("md5sum </root/data | cmp - /root/sum"), (0, ""))
        guest.stop()
        host.check_run(f"e2fsck -fn {coop.IMAGE}", timeout=240)

    def test_on_each_host(self):
        for options in HOSTS:
            memory = options["memory"]
            machine = {key: value for key, value in options.items() if key != "memory"}
            with self.subTest(**options), Host(memory_mib=HOST_MIB[memory], guest_kernel=True, **machine) as host:
                print(options, flush=True)
                coop.load_module(host)
                before = free_kib(host)
                self.check_life(host, memory)
                coop.unload_module(host)
                self.assertLess(before - free_kib(host), NOISE_KIB)

    def test_host_with_fragmented_memory(self):
        with Host(memory_mib=4096, guest_kernel=True) as host:
            coop.load_module(host)
            fragment(host, 0.92)
            guest = coop.Guest(host)
            guest.start()
            _, ranges = guest.login().run("grep -c 'System RAM' /proc/iomem")
            self.assertGreater(int(ranges), 10, "the guest's memory is hardly in pieces")
            guest.stop()
            self.check_life(host, "512M")
            coop.unload_module(host)


if __name__ == "__main__":
    unittest.main(verbosity=2)
