# SPDX-License-Identifier: GPL-2.0-only
"""coop.sys and coopctl.exe on a ReactOS live CD. By hand, with a CD of one's own: tools/dev test-reactos."""

import os
import pathlib
import unittest

from reactos_host import Guest, ReactOsHost, coop

LOGS = pathlib.Path(os.environ["COOP_REACTOS_LOGS"])


class ReactOs(unittest.TestCase):
    """In the order of their names: each on a host of its own."""

    def host(self):
        return ReactOsHost(os.environ["COOP_REACTOS_ISO"], LOGS / f"{self.id().rsplit('.', maxsplit=1)[-1]}.log")

    def test_1_contract(self):
        with self.host() as host:
            told = host.check_run("contract C:\\contract.sys", timeout=900)
            print(told, flush=True)
            self.assertRegex(told, r"contract_test: \d+ cases, 0 failed")

    def test_2_driver(self):
        with self.host() as host:
            host.check_run("coopctl driver install --file C:\\coop.sys")
            host.check_run("coopctl driver start")
            print(host.run("coopctl doctor").out, flush=True)
            host.check_run("coopctl driver status")
            host.check_run("coopctl driver stop")
            host.check_run("coopctl driver start")
            host.check_run("coopctl driver remove")
            self.assertNotEqual(host.run("coopctl driver status").status, 0)

    def test_3_guest(self):
        with self.host() as host:
            host.check_run("coopctl driver install --file C:\\coop.sys")
            host.check_run("coopctl driver start")
            guest = Guest(host, memory="192M", options=["--net", "none"])
            guest.start()
            console = guest.login()
            print(console.run("uname -a; free -m; uptime"), flush=True)
            coop.check_inside(self, console)
            coop.write_data(self, console, timeout=600)
            self.assertGreater(guest.stats()["interrupts_forwarded"], 0)
            guest.stop()
            self.assertEqual(guest.end_reason(), "poweroff")
            guest.start()
            coop.check_data(self, guest.login())
            guest.stop()
            self.assertEqual(guest.end_reason(), "poweroff")
            host.check_run("coopctl driver remove")


if __name__ == "__main__":
    unittest.main(verbosity=2)
