# SPDX-License-Identifier: GPL-2.0-only
# Timeout: 1500
"""A whole Debian guest on coop.sys in the NT-ABI harness, by coopctl: boots to its shell, keeps its data, stops cleanly, and
leaves nothing behind."""

import unittest

from nt_host import NtHost
from harness import coop  # found by nt_host


class Guest(unittest.TestCase):
    def test_life(self):
        with NtHost(kernel="6.12", smp=2, memory_mib=2048, guest_kernel=True, scratch=True) as host:
            coop.load_module(host)
            guest = coop.Guest(host, memory="256M")
            guest.start()
            console = guest.login()
            coop.check_inside(self, console)
            coop.write_data(self, console)
            self.assertGreater(guest.stats()["interrupts_forwarded"], 0)
            self.stop(host, guest)
            guest.start()
            coop.check_data(self, guest.login())
            self.stop(host, guest)
            taken = host.unload()
            self.assertGreater(taken["pages"], 0)
            self.assertGreater(taken["mappings"], 0)

    def stop(self, host, guest):
        guest.stop()
        self.assertEqual(guest.end_reason(), "poweroff")
        host.check_run(f"e2fsck -fn {coop.IMAGE}", timeout=240)


if __name__ == "__main__":
    unittest.main(verbosity=2)
