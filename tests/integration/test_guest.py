# SPDX-License-Identifier: GPL-2.0-only
# Timeout: 1500
"""Two whole Debian guests beside each other and a whole Debian host: both boot, work and stop cleanly."""

import unittest

from harness import Host, coop


class TwoGuests(unittest.TestCase):
    def test_two_guests(self):
        with Host(kernel="6.12", smp=2, memory_mib=2048, guest_kernel=True) as host:
            coop.load_module(host)
            guests = [coop.Guest(host, "one", memory="256M", image="/scratch/guest.ext4"),
                      coop.Guest(host, "two", memory="256M", image="/scratch/guest2.ext4")]
            for guest in guests:
                guest.start()
            consoles = [guest.login() for guest in guests]
            work = "for i in $(seq 20); do head -c 2000000 /dev/zero | sha256sum; done | sort -u | cut -c1-16"
            digest = host.check_run(work)
            for guest, console in zip(guests, consoles):
                self.assertEqual(console.run(work, timeout=300), (0, digest))
                coop.check_inside(self, console)
                self.assertGreater(guest.stats()["switches"], 0)
            for guest in guests:
                guest.stop()
                self.assertEqual(guest.end_reason(), "poweroff")
            coop.unload_module(host)


if __name__ == "__main__":
    unittest.main(verbosity=2)
