# SPDX-License-Identifier: GPL-2.0-only
# Timeout: 400
"""Vector registers belong to who filled them: processes in the host and in guests hold values in x87, SSE, AVX and the rest,
all at the same time and on the same CPUs, and find them unchanged."""

import re
import signal
import unittest

from harness import Host, coop

PROGRAM = "/share/build/tests/integration/vectors/coop_vectors"
WORKERS = 3  # processes that one run of the program has
FOREVER = 1000000


class Vectors(unittest.TestCase):
    host_class = Host

    def check_output(self, text):
        rounds = [int(number) for number in re.findall(r"^rounds: (\d+)$", text, re.MULTILINE)]
        self.assertEqual(len(rounds), WORKERS, text)
        self.assertGreater(min(rounds), 0, text)

    def check(self, seconds, guests, **options):
        """`guests` guests for `seconds`; the host's processes begin before the first and end after the last."""
        with self.host_class(memory_mib=1024, scratch=False, guest_kernel=True, **options) as host:
            coop.load_module(host)
            jobs = [host.start(f"exec {PROGRAM} {FOREVER} {1000 + number}") for number in range(2)]
            running = [coop.Guest(host, f"guest{number}", memory="64M", image=None, options=("--initrd", f"{PROGRAM}.cpio"),
                                  cmdline=f"console=hvc0 quiet {seconds} {number}") for number in range(guests)]
            for guest in running:
                guest.start()
            for guest in running:
                console = guest.console()
                match = console.expect(r"^end (\d+)$", seconds * (guests + 1) + 120)
                text = console.text[:match.end()]
                print(f"{guest.name}:", text[text.find("components"):], flush=True)
                self.assertEqual(match[1], "0", text)
                self.check_output(text)
                self.assertGreater(guest.stats()["switches"], 20 * seconds)  # a crowd on one CPU, at worst
            for job in jobs:
                self.assertIsNone(job.status, job.out)
                job.signal(signal.SIGTERM)
            for job in jobs:
                status, out, err = job.wait(60)
                print("host:", out, flush=True)
                self.assertEqual((status, err), (0, ""), out)
                self.check_output(out)
            for guest in running:
                guest.kill()
            coop.unload_module(host)

    def test_host_and_guest_at_once(self):
        self.check(20, 1, kernel="6.12", smp=2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
