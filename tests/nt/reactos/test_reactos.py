# SPDX-License-Identifier: GPL-2.0-only
"""coop.sys and coopctl.exe on a ReactOS live CD. By hand, with a CD of one's own: tools/dev test-reactos."""

import os
import pathlib
import re
import unittest

from reactos_host import Guest, ReactOsHost, coop

LOGS = pathlib.Path(os.environ["COOP_REACTOS_LOGS"])
GUEST_MIB = 192


def install(host):
    host.check_run("coopctl driver install --file C:\\coop.sys")
    host.check_run("coopctl driver start")


def free_mebibytes(host):
    return float(re.search(r"([\d.]+) MiB for guests", host.check_run("coopctl doctor"))[1])


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
            install(host)
            print(host.check_run("coopctl doctor"), flush=True)
            host.check_run("coopctl driver status")
            host.check_run("coopctl driver stop")
            host.check_run("coopctl driver start")
            host.check_run("coopctl driver remove")
            self.assertNotEqual(host.run("coopctl driver status").status, 0)

    def test_3_guest(self):
        with self.host() as host:
            install(host)
            guest = Guest(host, memory=f"{GUEST_MIB}M")
            guest.start()
            console = guest.login()
            print(console.run("uname -a; free -m; uptime"), flush=True)
            coop.check_inside(self, console)
            coop.write_data(self, console, timeout=600)
            stats = guest.stats()
            print(stats, flush=True)
            self.assertGreater(stats["interrupts_forwarded"], 0)
            guest.stop()
            self.assertEqual(guest.end_reason(), "poweroff")
            guest.start()
            coop.check_data(self, guest.login())
            guest.stop()
            self.assertEqual(guest.end_reason(), "poweroff")
            host.check_run("coopctl driver remove")

    def test_4_ends(self):
        with self.host() as host:
            install(host)
            guest = Guest(host, memory=f"{GUEST_MIB}M")
            free = []
            for end in ("coopctl kill demo", "taskkill /f /im coopctl.exe") * 2:
                guest.start()
                console = guest.login()
                self.assertEqual(console.run("ping -c 3 10.0.2.2 >/dev/null"), (0, ""))  # the user-mode network's gateway
                host.check_run(end)
                guest.wait_for_end(60)
                free.append(free_mebibytes(host))
            print("MiB free after each guest:", *free, flush=True)
            self.assertLess(max(free) - min(free), GUEST_MIB // 4)
            host.check_run("coopctl driver remove")

    def test_5_mistakes(self):
        with self.host() as host:
            self.refuses(host, "--kernel C:\\vmlinux", "coopctl driver")
            install(host)
            self.refuses(host, "--kernel C:\\nothing", "C:\\nothing")
            self.refuses(host, "--kernel C:\\coop.sys", "neither an ELF file nor a bzImage")
            self.refuses(host, "--kernel C:\\vmlinux --memory 64G", "64")
            self.refuses(host, "--kernel C:\\vmlinux --disk path=C:\\nothing", "C:\\nothing")
            host.check_run("coopctl driver remove")

    def refuses(self, host, words, told):
        result = host.run(f"coopctl start {words} demo")
        print(words, result.err, sep="\n", flush=True)
        self.assertNotEqual(result.status, 0)
        self.assertIn(told, result.err)


if __name__ == "__main__":
    unittest.main(verbosity=2)
