# SPDX-License-Identifier: GPL-2.0-only
# Timeout: 600
"""The harness itself: it runs commands in a host, and tells health from harm."""

import unittest

from harness import Host, HostFailure


class Harness(unittest.TestCase):
    def check_commands(self, host):
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

    def test_each(self):
        with self.assertRaisesRegex(HostFailure, "reset itself"):
            with Host(kernel="6.1", smp=1, memory_mib=1024) as host:
                self.check_commands(host)
                host.check()
                host.check_run("echo 'WARNING: made up' >/dev/kmsg")
                with self.assertRaisesRegex(HostFailure, "WARNING: made up"):
                    host.check()
                host.run("echo b >/proc/sysrq-trigger; sleep 60")


if __name__ == "__main__":
    unittest.main(verbosity=2)
