# SPDX-License-Identifier: GPL-2.0-only
# Timeout: 3000
# Labels: long
"""Ten minutes of two busy guests beside a busy host: all results right, the guests' clocks with the host's, its log clean."""

import os
import unittest

from harness import Host, coop

MINUTES = float(os.environ.get("COOP_LOAD_MINUTES", "10"))
# Computes, writes a file, reads it back from the disk, compares; the count of rounds is its output.
GUEST_LOAD = """
dmesg -n 1  # the console is for our answers
end=$(($(date +%s) + SECONDS_TO_RUN)) rounds=0
head -c 4000000 /dev/urandom >/root/master; sum=$(sha256sum </root/master)
while [ $(date +%s) -lt $end ]; do
    [ "$(sha256sum </root/master)" = "$sum" ] || { echo "wrong checksum of memory"; exit 1; }
    cp /root/master /root/copy; sync; echo 1 >/proc/sys/vm/drop_caches
    [ "$(sha256sum </root/copy)" = "$sum" ] || { echo "wrong checksum from disk"; exit 1; }
    for i in 1 2 3 4 5 6 7 8; do ls / | sort | wc -l >/dev/null; done
    rounds=$((rounds + 1))
done
echo $rounds
"""
COMPILE = """
mkdir -p /scratch/compile && cd /scratch/compile || exit 1
python3 -c 'for i in range(2000): print(f"int f{i}(int x) {{ return x * {i} + (x >> {i % 31}); }}")' >big.c
gcc -O2 -c big.c -o first.o || exit 1
while :; do gcc -O2 -c big.c -o next.o && cmp first.o next.o || { echo "the compiler's output differs"; exit 1; }; done
"""
STRESS = "exec stress-ng --temp-path /scratch --hdd 1 --hdd-bytes 16m --sock 1 --fork 1 --verify --timeout 0"


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
            load = [host.start(COMPILE), host.start(STRESS)]
            jobs = []
            for console in consoles:
                jobs.append(console.begin(GUEST_LOAD.replace("SECONDS_TO_RUN", str(int(seconds)))))
            for console, job in zip(consoles, jobs):
                status, output = console.finish(job, timeout=seconds * 2 + 300)
                print(f"rounds of the guest's load: {output.strip()}", flush=True)
                self.assertEqual(status, 0, output)
                self.assertGreater(int(output), 0)
            for job in load:
                self.assertIsNone(job.status, job.out + job.err)
            host.run("pkill -f compile; pkill gcc; pkill stress-ng")
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
