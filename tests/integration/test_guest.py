# SPDX-License-Identifier: GPL-2.0-only
# Timeout: 1500
"""Two whole Debian guests beside each other and a whole Debian host: both boot, work, stop cleanly and keep their data."""

import time
import unittest

from harness import Host, coop


class TwoGuests(unittest.TestCase):
    def check_stopped(self, host, guest, image):
        guest.stop()
        self.assertEqual(guest.end_reason(), "poweroff")
        host.check_run(f"e2fsck -fn {image}", timeout=240)

    def check_disk_that_hangs(self, host, guest, console):
        """The guest's process answers all the same; the guest is gone once the disk has let go."""
        process = guest.status()["pid"]
        host.check_run("fsfreeze -f /scratch")
        console.run("(dd if=/dev/zero of=/root/hung bs=64k count=1 oflag=direct >/dev/null 2>&1 &)")
        host.check_run(f"until grep -q '^State:.D' /proc/{process}/task/*/status; do sleep 0.1; done")
        self.assertEqual(guest.status()["state"], "running")
        kill = host.start(f"coopctl kill {guest.name}")
        while guest.status()["state"] == "running":
            time.sleep(0.1)
        time.sleep(2)
        self.assertEqual((guest.status()["state"], kill.status), ("stopping", None))
        self.assertIn("waiting for its disks", host.check_run(f"coopctl logs {guest.name}"))
        host.check_run("fsfreeze -u /scratch")
        self.assertEqual(kill.wait(120).status, 0)
        self.assertEqual(guest.end_reason(), "killed")

    def test_two_guests(self):
        with Host(kernel="6.1", smp=2, memory_mib=2048, guest_kernel=True) as host:
            coop.load_module(host)
            images = ["/scratch/guest.ext4", "/scratch/guest2.ext4"]
            guests = [coop.Guest(host, name, memory="256M", image=image) for name, image in zip(("one", "two"), images)]
            for guest in guests:
                guest.start()
            consoles = [guest.login() for guest in guests]
            work = "for i in $(seq 20); do head -c 2000000 /dev/zero | sha256sum; done | sort -u | cut -c1-16"
            digest = host.check_run(work)
            for guest, console in zip(guests, consoles):
                self.assertEqual(console.run(work, timeout=300), (0, digest))
                coop.check_inside(self, console)
                self.assertGreater(guest.stats()["switches"], 0)
                self.assertEqual(console.run("head -c 3000000 /dev/urandom >/root/data && md5sum </root/data >/root/sum")[0], 0)
            for guest, image in zip(guests, images):
                self.check_stopped(host, guest, image)
            guests[0].start()
            console = guests[0].login()
            self.assertEqual(console.run("md5sum </root/data | cmp - /root/sum"), (0, ""))
            guests[1].start()  # and stopped while systemd is at work
            self.check_disk_that_hangs(host, guests[0], console)
            self.check_stopped(host, guests[1], images[1])
            coop.unload_module(host)


if __name__ == "__main__":
    unittest.main(verbosity=2)
