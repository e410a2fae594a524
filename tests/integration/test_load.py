# SPDX-License-Identifier: GPL-2.0-only
# Timeout: 3000
# Labels: long
"""Ten minutes of two busy guests beside a busy host: all results right, the guests' clocks with the host's, its log clean."""

import os
import unittest

from harness import Host, coop, load

MINUTES = float(os.environ.get("COOP_LOAD_MINUTES", "10"))
CLOCK = "/share/build/tests/integration/bench/coop_bench"
MOST_DRIFT_US = 1000


class Clock:
    """A system's clock against the TSC, which all of them share: what it shows when, and how far it goes in how many ticks."""

    def __init__(self, run):
        self.run = run
        self.first = self.read()

    def read(self):
        tsc, ns = self.run("clock").split()
        return int(tsc), int(ns)

    def rate(self):
        """Nanoseconds a tick, and ticks, since the first reading."""
        (first_tsc, first_ns), (tsc, ns) = self.first, self.read()
        return (ns - first_ns) / (tsc - first_tsc), tsc - first_tsc


class Load(unittest.TestCase):
    def test_two_busy_guests_on_a_busy_host(self):
        seconds = MINUTES * 60
        with Host(kernel="6.12", smp=2, memory_mib=3072, guest_kernel=True) as host:
            coop.load_module(host)
            guests = [coop.Guest(host, "one", image="/scratch/guest.ext4"),
                      coop.Guest(host, "two", image="/scratch/guest2.ext4")]
            for number in ("", "2"):
                host.check_run(f"debugfs -w -f - /scratch/guest{number}.ext4",
                               input=f"cd /root\nwrite {CLOCK} clock\n".encode())
            for guest in guests:
                guest.start()
            consoles = [guest.login() for guest in guests]
            host_clock = Clock(lambda what: host.check_run(f"{CLOCK} {what}"))
            clocks = [Clock(lambda what, console=console: console.run(f"/root/clock {what}")[1]) for console in consoles]
            busy = load.begin_in_host(host)
            jobs = []
            for console in consoles:
                jobs.append(console.begin(load.in_guest(seconds)))
            for console, job in zip(consoles, jobs):
                status, output = console.finish(job, timeout=seconds * 2 + 300)
                print(f"rounds of the guest's load: {output.strip()}", flush=True)
                self.assertEqual(status, 0, output)
                self.assertGreater(int(output), 0)
            load.end_in_host(self, busy)
            host_rate, _ = host_clock.rate()
            for clock in clocks:
                rate, ticks = clock.rate()
                drift = (rate - host_rate) * ticks / 1000
                print(f"guest's clock against the host's: {drift:+.1f} us in {ticks * host_rate / 1e9:.0f} s", flush=True)
                self.assertLess(abs(drift), MOST_DRIFT_US)
            for guest in guests:
                guest.stop()
                self.assertEqual(guest.end_reason(), "poweroff")
            for number in ("", "2"):
                host.check_run(f"e2fsck -fn /scratch/guest{number}.ext4", timeout=300)
            coop.unload_module(host)


if __name__ == "__main__":
    unittest.main(verbosity=2)
