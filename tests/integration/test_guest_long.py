# SPDX-License-Identifier: GPL-2.0-only
# Timeout: 3600
# Labels: long
"""More hosts for a whole Debian guest, and each way a guest can end."""

import time
import unittest

from harness import Host, coop
from test_guest import NOISE_KIB, Life, end_reason, free_kib, login, status

HOSTS = [dict(kernel="6.12", la57=True, smp=2, memory="512M"),
         dict(kernel="6.1", la57=False, smp=2, memory="128M"),
         dict(kernel="6.1", la57=True, smp=1, memory="512M"),
         dict(kernel="6.12", la57=False, smp=1, memory="512M")]


class MoreHosts(Life):
    test_two_guests = None

    def test_on_each_host(self):
        self.check_hosts(HOSTS)


class Ends(unittest.TestCase):
    def end_by(self, host, command, reason):
        guest = coop.Guest(host)
        guest.start()
        console = login(guest)
        console.send(command + "\n")
        deadline = time.monotonic() + 120
        while guest.running() and time.monotonic() < deadline:
            time.sleep(1)
        self.assertFalse(guest.running(), f"{command} did not end the guest")
        self.assertEqual(end_reason(host), reason)

    def test_each_end_is_reported(self):
        with Host(kernel="6.12", smp=2, memory_mib=2048, guest_kernel=True) as host:
            coop.load_module(host)
            before = free_kib(host)
            self.end_by(host, "echo c >/proc/sysrq-trigger", "panic")
            self.end_by(host, "poweroff", "poweroff")
            for _ in range(5):
                guest = coop.Guest(host)
                guest.start()
                pid = status(host)["pid"]
                host.check_run(f"kill -9 {pid}; while kill -0 {pid} 2>/dev/null; do sleep 0.1; done")
                self.assertFalse(guest.running())
            # The image was mounted when its guest died; it must still be usable.
            guest = coop.Guest(host)
            guest.start()
            self.assertEqual(login(guest).run("true")[0], 0)
            guest.stop()
            self.assertLess(before - free_kib(host), NOISE_KIB)
            coop.unload_module(host)


if __name__ == "__main__":
    del Life  # its own tests run in test_guest.py
    unittest.main(verbosity=2)
