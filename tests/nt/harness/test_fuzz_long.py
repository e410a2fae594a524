# SPDX-License-Identifier: GPL-2.0-only
# Timeout: 4000
# Labels: long
"""Random requests to coop.sys in the NT-ABI harness on each host kernel, a million steps each (COOP_FUZZ_CALLS)."""

import unittest

from nt_host import NtHost, integration

linux = integration("test_ioctl_fuzz_long")


class LongFuzz(linux.LongFuzz):
    host_class = NtHost


if __name__ == "__main__":
    unittest.main(verbosity=2)
