# SPDX-License-Identifier: GPL-2.0-only
# Timeout: 600
"""The hosts themselves: both Debian kernels boot with 4- and 5-level paging, and the harness tells health from harm."""

import unittest

from harness import Host, HostFailure


class BootHosts(unittest.TestCase):
    def test_each_kernel_and_paging_depth(self):
        for kernel in ("6.1", "6.12"):
            for la57 in (False, True):
                with self.subTest(kernel=kernel, la57=la57), Host(kernel=kernel, la57=la57, smp=2) as host:
                    self.assertEqual(host.check_run("uname -r").strip(), host.artifacts.release)
                    self.assertTrue(host.artifacts.release.startswith(kernel + "."))
                    flags = host.check_run("grep -m1 ^flags /proc/cpuinfo").split()
                    self.assertEqual("la57" in flags, la57)
                    self.assertEqual(host.check_run("nproc").strip(), "2")


class Harness(unittest.TestCase):
    def test_commands_run_side_by_side(self):
        with Host(kernel="6.1", smp=1, memory_mib=1024) as host:
            waiting = host.start("read line; echo \"got $line\"; exit 7")
            self.assertEqual(host.run("echo out; echo err >&2; exit 3"), (3, "out\n", "err\n"))
            waiting.write(b"word\n")
            self.assertEqual(waiting.wait(30), (7, "got word\n", ""))
            self.assertEqual(host.run("kill -9 $$").status, 128 + 9)
            self.assertEqual(host.start("tty", tty=True).wait(30).out.strip(), "/dev/pts/0")
            self.assertEqual(len(host.run("head -c 3000000 /dev/zero | tr '\\0' x").out), 3000000)
            payload = b"y" * 500000
            self.assertEqual(host.check_run("wc -c", input=payload).strip(), "500000")
            with self.assertRaises(TimeoutError):
                host.run("sleep 100", timeout=1)

    def test_a_warning_in_the_log_fails(self):
        with self.assertRaisesRegex(HostFailure, "WARNING: made up"):
            with Host(kernel="6.1", smp=1, memory_mib=1024) as host:
                host.check_run("echo 'WARNING: made up' >/dev/kmsg")

    def test_a_reset_is_reported(self):
        with self.assertRaisesRegex(HostFailure, "reset itself"):
            with Host(kernel="6.1", smp=1, memory_mib=1024) as host:
                host.run("echo b >/proc/sysrq-trigger; sleep 60")


if __name__ == "__main__":
    unittest.main(verbosity=2)
