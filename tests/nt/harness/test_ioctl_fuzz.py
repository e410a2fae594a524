# SPDX-License-Identifier: GPL-2.0-only
# Timeout: 900
"""Random requests to coop.sys in the NT-ABI harness, as in integration.ioctl_fuzz."""

import os
import unittest

from nt_host import NtHost, integration

fuzz = integration("test_ioctl_fuzz")


class NtFuzz(fuzz.IoctlFuzz):
    host_class = NtHost
    test_short = None

    def test_short_on_nt(self):
        executions = self.fuzz(int(os.environ.get("COOP_FUZZ_CALLS", "100000")), timeout=780, kernel="6.12")
        print(f"figures: nt_ioctl_fuzz_executions {executions}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
