# SPDX-License-Identifier: GPL-2.0-only
# Timeout: 4000
# Labels: long
"""Random requests to the driver of each host kernel, a million steps each (COOP_FUZZ_CALLS)."""

import os
import unittest

import test_ioctl_fuzz  # not its class, whose own test would run here too

CALLS = int(os.environ.get("COOP_FUZZ_CALLS", "1000000"))
HOSTS = [dict(kernel="6.1", la57=False), dict(kernel="6.12", la57=True)]


class LongFuzz(test_ioctl_fuzz.IoctlFuzz):
    test_short = None

    def test_on_each_host(self):
        executions = 0
        for options in HOSTS:
            with self.subTest(**options):
                executions += self.fuzz(CALLS, timeout=1800, **options)
        print(f"figures: ioctl_fuzz_executions {executions}")
        self.assertGreaterEqual(executions, CALLS)


if __name__ == "__main__":
    unittest.main(verbosity=2)
