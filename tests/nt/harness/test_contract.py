# SPDX-License-Identifier: GPL-2.0-only
# Timeout: 600
"""The NT shim keeps the host contract: tests/contract as a driver of its own, coop_contract_windows.sys, in the NT-ABI harness."""

import re
import struct
import unittest

from nt_host import INTEGRATION, NtHost

LIST = INTEGRATION.parent / "contract" / "contract.def"
RUN = 0x22 << 16 | 3 << 14 | 0x800 << 2  # tests/nt/contract/request.h


class Contract(unittest.TestCase):
    def test_every_case(self):
        cases = re.findall(r"^CONTRACT_CASE\((\w+)\)$", LIST.read_text(encoding="utf-8"), re.M)
        self.assertGreater(len(cases), 0)
        with NtHost("tests/nt/contract", kernel="6.12", smp=2, memory_mib=1024) as host:
            host.check_run("insmod $module image=/share/nt/coop_contract_windows.sys")
            for number, case in enumerate(cases):
                with self.subTest(case=case):
                    status, output = host.control(RUN, "EVENT" + struct.pack("<Ii", number, 0).hex(), 16)
                    self.assertEqual(status, 0)
                    self.assertEqual(struct.unpack("<QIi", output)[2], 0, host.log())
            host.unload()


if __name__ == "__main__":
    unittest.main(verbosity=2)
