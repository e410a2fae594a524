# SPDX-License-Identifier: GPL-2.0-only
# Timeout: 3600
# Labels: long
"""The guest beside a host against the same kernel alone on the same emulated CPU: what its operations take, and its start."""

import re
import statistics
import unittest

from harness import Artifacts, Host, Native, artifacts, coop
from harness.machine import COUNTED, COUNTED_TSC_KHZ, CPU
from test_performance import figure

PROGRAM = "tests/integration/bench/coop_bench"
GOAL = 0.95
MEMORY_MIB = 256
# The same words for both; coopctl would otherwise choose pti= by the host.
CMDLINE = "console=hvc0 quiet pti=off "
MILLION = 1e6


class Run:
    """One run's output: ticks per operation (a list by name), and the clocks as the first process found them."""

    def __init__(self, console, timeout):
        match = console.expect(r"^end (\d+)$", timeout)
        text = console.text[:match.end()]
        if match[1] != "0":
            raise AssertionError(text)
        boot = re.search(r"^boot (\d+) (\d+)$", text, re.MULTILINE)
        self.boot_ns, self.boot_ticks = int(boot[1]), int(boot[2])
        self.ticks = {}
        for name, ticks in re.findall(r"^\d+ (\S+) ([0-9.]+)$", text, re.MULTILINE):
            self.ticks.setdefault(name, []).append(float(ticks))


class Compared(unittest.TestCase):
    def native(self, rounds, tsc_khz, extra=()):
        kernel = Artifacts("6.12").guest_kernel / "bzImage"
        with Native(kernel=kernel, initramfs=artifacts.BUILD / f"{PROGRAM}.cpio", cmdline=f"{CMDLINE}{rounds}",
                    cpu=f"{CPU},la57=off", memory_mib=MEMORY_MIB, tsc_khz=tsc_khz, extra=extra) as machine:
            return Run(machine.console, 600)

    def guest(self, host, rounds):
        guest = coop.Guest(host, memory=f"{MEMORY_MIB}M", image=None, kernel="/share/kernel/bzImage",
                           options=("--initrd", f"/share/build/{PROGRAM}.cpio"), cmdline=f"{CMDLINE}{rounds}")
        since = int(host.check_run(f"/share/build/{PROGRAM} tsc"))
        guest.start()
        run = Run(guest.console(), 1200)
        run.boot_ticks -= since
        guest.kill()
        return run

    def host(self, extra=()):
        return Host(kernel="6.12", la57=False, smp=1, memory_mib=1024, scratch=False, guest_kernel=True, qemu=extra)

    def test_instructions(self):
        native = self.native(3, COUNTED_TSC_KHZ, COUNTED)
        with self.host(COUNTED) as host:
            coop.load_module(host)
            guest = self.guest(host, 3)
            coop.unload_module(host)
        missed = []
        for name, ticks in native.ticks.items():
            alone, beside = statistics.median(ticks), statistics.median(guest.ticks[name])
            figure(f"instructions for one {name}, native and guest", f"{alone:.1f} {beside:.1f}, {alone / beside:.3f} of native")
            missed += [name] if alone / beside < GOAL else []
        figure("million instructions from the start of the kernel's clock to init, native and guest",
               f"{native.boot_ns / MILLION:.1f} {guest.boot_ns / MILLION:.1f}")
        figure("million instructions from reset to init, native, and from `coopctl start` to init, guest",
               f"{native.boot_ticks / MILLION:.0f} {guest.boot_ticks / MILLION:.0f}")
        self.assertEqual(missed, [])

    def test_time(self):
        """The same by the clock, in turns: it has what instructions do not show (translation, page-table walks), and noise."""
        native, guest = {}, {}
        with self.host() as host:
            coop.load_module(host)
            mhz = float(re.search(r"^cpu MHz\s*: ([0-9.]+)$", host.check_run("cat /proc/cpuinfo"), re.MULTILINE)[1])
            for _ in range(4):
                for results, run in ((native, self.native(1, round(mhz * 1000))), (guest, self.guest(host, 1))):
                    for name, ticks in run.ticks.items():
                        results.setdefault(name, []).extend(ticks)
            coop.unload_module(host)
        for name, ticks in native.items():
            self.assertEqual(len(ticks), len(guest[name]))
            alone, beside = min(ticks), min(guest[name])
            figure(f"ticks for one {name}, best of {len(ticks)}, native and guest",
                   f"{alone:.0f} {beside:.0f}, {alone / beside:.2f} of native")


if __name__ == "__main__":
    unittest.main(verbosity=2)
