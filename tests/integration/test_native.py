# SPDX-License-Identifier: GPL-2.0-only
# Timeout: 3600
# Labels: long
"""The guest beside a host against the same kernel alone on the same emulated CPU: what its operations take, and its start."""

import re
import statistics
import unittest

from harness import Artifacts, Host, Native, artifacts, coop
from harness.emulator import COUNTED, COUNTED_TSC_KHZ, CPU
from test_performance import figure

PROGRAM = "tests/integration/bench/coop_bench"
GOAL = 0.95
MEMORY_MIB = 256
# The same words for both; coopctl would otherwise choose pti= by the host.
CMDLINE = "console=hvc0 quiet pti=off "
MILLION = 1e6


class Run:
    """One run's output: the clocks as the first process found them, and of each operation (lists by name) the ticks it took and
    how often the emulator emptied a TLB meanwhile."""

    # The line's end belongs to it: a number at the end of the text may be cut.
    LINE = r"^(?:boot (\d+) (\d+)|\d+ (\S+) ([0-9.]+)|end (\d+))\n"

    def __init__(self, console, qmp, timeout):
        self.ticks, self.flushes = {}, {}
        status, before = None, 0
        while status is None:
            boot_ns, boot_ticks, name, ticks, status = console.expect(self.LINE, timeout).groups()
            now = flushes(qmp)
            if boot_ns:
                self.boot_ns, self.boot_ticks = int(boot_ns), int(boot_ticks)
            elif name:
                self.ticks.setdefault(name, []).append(float(ticks))
                self.flushes.setdefault(name, []).append(now - before)
            before = now
        if status != "0":
            raise AssertionError(console.text)


def flushes(qmp):
    """How often the emulator has emptied a TLB of its own that had entries. It has several, by privilege."""
    return int(re.search(r"^TLB partial flushes\s+(\d+)", qmp.hmp("info jit"), re.MULTILINE)[1])


class Compared(unittest.TestCase):
    def native(self, rounds, tsc_khz, extra=()):
        kernel = Artifacts("6.12").guest_kernel / "bzImage"
        with Native(kernel=kernel, initramfs=artifacts.BUILD / f"{PROGRAM}.cpio", cmdline=f"{CMDLINE}{rounds}",
                    cpu=f"{CPU},la57=off", memory_mib=MEMORY_MIB, tsc_khz=tsc_khz, extra=extra) as machine:
            return Run(machine.console, machine.qmp, 600)

    def guest(self, host, rounds):
        guest = coop.Guest(host, memory=f"{MEMORY_MIB}M", image=None, kernel="/share/kernel/bzImage",
                           options=("--initrd", f"/share/build/{PROGRAM}.cpio"), cmdline=f"{CMDLINE}{rounds}")
        since = int(host.check_run(f"/share/build/{PROGRAM} tsc"))
        guest.start()
        run = Run(guest.console(), host.machine.qmp, 1200)
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
        """The same by the clock, in turns: it has what instructions do not show, and noise. What the emulator does for a switch
        is in it too: it empties its TLBs, and fills them again by walking page tables in software. A second round counts: during
        the first the host still attaches the console."""
        native, guest = [], []
        with self.host() as host:
            coop.load_module(host)
            mhz = float(re.search(r"^cpu MHz\s*: ([0-9.]+)$", host.check_run("cat /proc/cpuinfo"), re.MULTILINE)[1])
            for _ in range(4):
                native.append(self.native(2, round(mhz * 1000)))
                guest.append(self.guest(host, 2))
            coop.unload_module(host)
        for name in native[0].ticks:
            alone, beside = (min(run.ticks[name][-1] for run in runs) for runs in (native, guest))
            figure(f"ticks for one {name}, best of {len(native)}, native and guest",
                   f"{alone:.0f} {beside:.0f}, {alone / beside:.2f} of native")
            alone, beside = (statistics.median(run.flushes[name][-1] for run in runs) for runs in (native, guest))
            figure(f"TLBs emptied by the emulator during all of {name}, median, native and guest", f"{alone:.0f} {beside:.0f}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
