# SPDX-License-Identifier: GPL-2.0-only
# Timeout: 600
"""Vector registers belong to who filled them, with coop.sys in the NT-ABI harness beneath, whose double uses some up as NT does."""

import unittest

from nt_host import NtHost, integration

linux = integration("test_vectors")


class Vectors(linux.Vectors):
    host_class = NtHost


if __name__ == "__main__":
    unittest.main(verbosity=2)
