# SPDX-License-Identifier: GPL-2.0-only
# Timeout: 1800
# Labels: long
"""The figures of docs/performance.md: counts of instructions and switches, which do not depend on how busy the machine is."""

import json
import time
import unittest

from harness import Host, coop
from test_switch import TINY, parse

READS = 2000


def figure(name, value):
    print(f"figure: {name}: {value}", flush=True)


class Figures(unittest.TestCase):
    def test_instructions_per_doorbell(self):
        # One instruction is one nanosecond of the machine's clock, and of its TSC.
        with Host(kernel="6.12", la57=False, smp=1, memory_mib=1024, scratch=False,
                  qemu=("-icount", "shift=0,sleep=off")) as host:
            host.check_run("insmod $module")
            count = 20000
            result = parse(host.check_run(f"{TINY} 4 {count}", timeout=120))
            figure("instructions per doorbell round trip", round(result["elapsed"] / count))
            host.check_run("rmmod coop")

    def counters(self, host):
        return json.loads(host.check_run("coopctl stats --json demo"))

    def switches(self, host, console, command):
        """World switches that a command in the guest causes, host interrupts not counted."""
        before = self.counters(host)
        self.assertEqual(console.run(command, timeout=300)[0], 0)
        after = self.counters(host)
        return sum(after["doorbells"].values()) - sum(before["doorbells"].values())

    def test_switches(self):
        with Host(kernel="6.12", smp=2, memory_mib=2048, guest_kernel=True) as host:
            coop.load_module(host)
            guest = coop.Guest(host)
            guest.start()
            console = guest.console()
            console.login()
            console.run("systemctl is-system-running --wait", timeout=240)
            time.sleep(20)
            before, since = self.counters(host), time.monotonic()
            time.sleep(30)
            after, seconds = self.counters(host), time.monotonic() - since
            figure("switches per second of an idle guest", round((after["switches"] - before["switches"]) / seconds, 1))

            idle = self.switches(host, console, "true")
            figure("doorbells of a command that does nothing (its terminal I/O)", idle)
            for name, command in {
                    "400000 system calls": "dd if=/dev/zero of=/dev/null bs=1 count=200000 2>/dev/null",
                    "300 forks and execs": "for i in $(seq 300); do /bin/true; done",
                    "20000 context switches": "dd if=/dev/zero bs=64 count=10000 2>/dev/null | dd of=/dev/null bs=64 2>/dev/null",
            }.items():
                figure(f"doorbells during {name}", self.switches(host, console, command))
            read = f"dd if=/dev/vda of=/dev/null bs=4k count={READS} iflag=direct 2>/dev/null"
            figure("doorbells per 4 KiB read, one at a time", round(self.switches(host, console, read) / READS, 2))
            at_once = f"for i in $(seq 32); do dd if=/dev/vda of=/dev/null bs=4k skip=$((i*1000)) count={READS // 32} " \
                      "iflag=direct 2>/dev/null & done; wait"
            figure("doorbells per 4 KiB read, 32 at once", round(self.switches(host, console, at_once) / READS, 2))
            guest.stop()
            coop.unload_module(host)


if __name__ == "__main__":
    unittest.main(verbosity=2)
