# SPDX-License-Identifier: GPL-2.0-only
# Timeout: 1500
"""A guest kernel touches no hardware: a whole Debian guest is watched from its first to its last instruction. It executes
no I/O instruction, reads and writes no model-specific or control register but its own, and its kernel touches no memory
but its own. What it may is in no_hardware.txt."""

import collections
import fnmatch
import pathlib
import re
import unittest

from harness import Host, coop, tiny
from harness.watch import Symbols, Watch

ALLOWED = pathlib.Path(__file__).with_name("no_hardware.txt")
# What every Linux must do, so a watch that works sees it: LSTAR, page tables, the task register.
ALWAYS = {("wrmsr 0xc0000082", "syscall_init"), ("mov to cr3", "switch_mm_irqs_off"),
          ("ltr", "cpu_init_exception_handling")}


def allowed_operations():
    """[(operation, patterns of functions)]; each line must give its reason."""
    entries = []
    for line in ALLOWED.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            operation, functions, reason = (part.strip() for part in line.split("|"))
            assert reason, line
            entries.append((operation, functions.split()))
    return entries


def memory_ranges(console):
    """The guest's memory as its monitor gave it: [(start, end)] of physical addresses, end exclusive."""
    status, text = console.run("grep 'System RAM' /proc/iomem")
    assert status == 0, text
    ranges = [(int(start, 16), int(end, 16) + 1) for start, end in re.findall(r"(?m)^([0-9a-f]+)-([0-9a-f]+) :", text)]
    return [(start, end) for start, end in ranges if end > 1]  # addresses are zero for those who may not see them


def operations(watch, symbols):
    """{(operation, function): executions}"""
    seen = collections.Counter()
    for record in watch.records():
        seen[record.operation(), symbols.function(record.address)] += record.count
    return seen


class TheWatchItself(unittest.TestCase):
    """A guest that misbehaves is seen, and one that does not is not."""

    def test_hardware_is_seen(self):
        watch = Watch("no_hardware-tiny")
        with Host(la57=False, smp=1, memory_mib=1024, scratch=False, qemu=watch.arguments) as host:
            host.check_run("insmod $module")
            entered = 0
            for mode, count in ((tiny.DOORBELLS, 5000), (tiny.EVENTS, 50)):
                result = tiny.run(host, mode, count)
                self.assertEqual(result["end"], tiny.END_POWEROFF)
                entered += result["switches"] - result["aborts"]
                self.assertEqual(watch.entries, entered)
            before = {record.operation() for record in watch.records()}
            self.assertEqual(before, {"lidt", "mov to cr4"})  # its own IDT, SSE
            own_pages = set(watch.pages())
            self.assertEqual(tiny.run(host, tiny.HARDWARE, 7)["end"], tiny.END_POWEROFF)
            host.check_run("rmmod coop")
        seen = {record.operation(): record.count for record in watch.records()}
        device = [operation for operation in seen if operation.startswith("mmio read")]
        self.assertEqual(len(device), 1, seen)
        self.assertIn("apic", device[0])
        self.assertEqual({operation: count for operation, count in seen.items()
                          if operation not in {*device, *before}},
                         {"out 0x80": 7, "in 0x61": 1, "rdmsr 0x1b": 1, "wrmsr 0x1b": 1, "rdmsr ?": 1,
                          "mov from cr8": 1, "wbinvd": 1, "mov to cr3": 1})
        self.assertIn(0x1000, watch.pages().keys() - own_pages)
        self.assertEqual(watch.lost, 0)


class Debian(unittest.TestCase):
    def check_whole_life(self, host, watch):
        """Boots, works, stops; returns the guest's memory."""
        guest = coop.Guest(host, memory="256M")
        guest.start()
        console = guest.login()
        coop.check_inside(self, console)
        memory = memory_ranges(console)
        work = ("for i in 1 2 3; do head -c 1000000 /dev/urandom >/root/$i; done; sync; sleep 1; "
                "sha256sum /root/? | wc -l")
        self.assertEqual(console.run(work, timeout=300), (0, "3\n"))
        before = watch.entries
        switches = guest.stats()["switches"]
        # No entry of this guest's was missed: the watch counts what the monitor counts.
        self.assertLessEqual(before, switches + 2)
        self.assertGreaterEqual(watch.entries, switches - guest.stats()["entries_aborted"])
        guest.stop()
        self.assertEqual(guest.end_reason(), "poweroff")
        return memory

    def test_touches_no_hardware(self):
        watch = Watch("no_hardware-debian")
        with Host(kernel="6.12", smp=2, memory_mib=1536, guest_kernel=True, qemu=watch.arguments) as host:
            coop.load_module(host)
            memory = self.check_whole_life(host, watch)
            coop.unload_module(host)
            symbols = Symbols(host.artifacts.guest_kernel / "vmlinux", "coop_startup_64", watch.first)
        self.assertEqual(watch.lost, 0)
        self.assertGreater(watch.executed, 100_000_000)
        self.assertGreater(watch.accesses, 10_000_000)

        seen = operations(watch, symbols)
        print(f"{watch.entries} entries, {watch.executed} instructions, {watch.accesses} accesses of the kernel's to "
              f"{len(watch.pages())} pages")
        for (operation, function), count in sorted(seen.items()):
            print(f"{count:10} {operation:20} {function}")
        self.assertLessEqual(ALWAYS, set(seen))
        entries = allowed_operations()
        forbidden = [f"{operation} in {function}: {count} times" for (operation, function), count in seen.items()
                     if not any(operation == allowed and any(fnmatch.fnmatch(function, pattern) for pattern in patterns)
                                for allowed, patterns in entries)]
        foreign = [f"memory at {page:#x} by {symbols.function(instruction)}"
                   for page, instruction in watch.pages().items()
                   if not any(start <= page < end for start, end in memory)]
        self.assertFalse(forbidden, "not in no_hardware.txt")
        self.assertFalse(foreign, "memory that is not the guest's")


if __name__ == "__main__":
    unittest.main(verbosity=2)
