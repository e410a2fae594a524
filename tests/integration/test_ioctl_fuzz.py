# SPDX-License-Identifier: GPL-2.0-only
# Timeout: 600
"""Random requests to the driver: the host lives, its log stays clean, its memory comes back.

COOP_FUZZ_CALLS and COOP_FUZZ_SEED choose how many steps, and which; the seed of a run is in its output.
"""

import os
import secrets
import unittest

from harness import Host
from harness.memory import NOISE_KIB, free_kib

FUZZER = "/share/build/tests/integration/ioctl_fuzz/coop_ioctl_fuzz"
REQUESTS = ("VERSION", "HOST", "CREATE", "EXTENTS", "START", "RUN", "NOTIFIER", "INTERRUPT", "STATS", "LOG", "EVENT",
            "END")
# Outcomes that a run of this length must have had, or it has not been where the mistakes would be.
REACHED = ["CREATE.EBUSY", "CREATE.EEXIST", "CREATE.EINVAL", "CREATE.ENOMEM", "CREATE.EOPNOTSUPP", "START.EINVAL",
           "START.EBUSY", "RUN.EBUSY", "RUN.EINTR", "RUN.EINVAL", "END.EINVAL", "LOG.EFAULT", "STATS.ENXIO",
           "EXTENTS.EFAULT", "unknown.ENOTTY", "mmap.EINVAL", "mmap.ENXIO", "mmap.ok"]
REACHED += [f"{request}.ok" for request in REQUESTS]


class IoctlFuzz(unittest.TestCase):
    host_class = Host

    def fuzz(self, calls, timeout, **machine):
        """Returns how many requests the driver answered."""
        seed = os.environ.get("COOP_FUZZ_SEED", str(secrets.randbits(32)))
        print(f"coop_ioctl_fuzz {seed} {calls}", flush=True)
        with self.host_class(smp=2, memory_mib=1024, scratch=False, **machine) as host:
            before = free_kib(host)
            host.check_run("insmod $module")
            result = host.run(f"{FUZZER} {seed} {calls}", timeout=timeout)
            print(result.out, flush=True)
            self.assertEqual((result.status, result.err), (0, ""))
            host.check()
            counts = {name: int(count) for name, count in (line.split() for line in result.out.splitlines()[1:])}
            self.assertEqual([name for name in REACHED if name not in counts], [])
            host.check_run("rmmod $module")
            kept = before - free_kib(host)
            print(f"kept {kept} KiB", flush=True)
            self.assertLess(kept, NOISE_KIB)
        return sum(count for name, count in counts.items() if not name.startswith("mmap."))

    def test_short(self):
        executions = self.fuzz(int(os.environ.get("COOP_FUZZ_CALLS", "100000")), timeout=480, kernel="6.12")
        print(f"figures: ioctl_fuzz_executions {executions}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
