# SPDX-License-Identifier: GPL-2.0-only
# Timeout: 900
"""Random requests to coop.sys in the NT-ABI harness, as in integration.ioctl_fuzz."""

import unittest

from nt_host import NtHost, integration

linux = integration("test_ioctl_fuzz")


class Fuzz(linux.IoctlFuzz):
    host_class = NtHost


if __name__ == "__main__":
    unittest.main(verbosity=2)
