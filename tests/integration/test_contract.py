# SPDX-License-Identifier: GPL-2.0-only
# Timeout: 900
"""The Linux shim keeps the host contract: tests/contract, in a module without the core."""

import pathlib
import re
import unittest

from harness import Host

LIST = pathlib.Path(__file__).parents[1] / "contract" / "contract.def"
# The case's name, and an eventfd for its notifier.
RUN = "import os, sys; os.write(os.open('/dev/coop_contract', os.O_WRONLY), b'%s %d' % (sys.argv[1].encode(), os.eventfd(0, os.EFD_NONBLOCK)))"


class Contract(unittest.TestCase):
    def test_every_case(self):
        cases = re.findall(r"^CONTRACT_CASE\((\w+)\)$", LIST.read_text(encoding="utf-8"), re.M)
        self.assertGreater(len(cases), 0)
        for series in ("6.1", "6.12"):  # the shim takes other branches in each (hosts/linux/probes)
            with self.subTest(kernel=series), Host(kernel=series, smp=2, memory_mib=1024, scratch=False) as host:
                host.check_run(f"insmod /share/build/tests/contract/linux/{host.artifacts.release}/coop_contract.ko")
                for case in cases:
                    with self.subTest(case=case):
                        result = host.run(f'python3 -c "{RUN}" {case}', timeout=60)
                        self.assertEqual(result.status, 0, host.run("dmesg | grep coop_contract").out + result.err)
                host.check_run("rmmod coop_contract")


if __name__ == "__main__":
    unittest.main(verbosity=2)
