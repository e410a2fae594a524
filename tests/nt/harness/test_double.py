# SPDX-License-Identifier: GPL-2.0-only
# Timeout: 300
"""The NT-ABI harness itself: its loader refuses what is no driver, and its double complains of what a driver does wrong."""

import re
import struct
import unittest

from nt_host import NT_BUILD, NtHost

COMPLAINTS = [
    "a wait at level 2, interrupts on",
    r"the pool block \S+ was freed before, is none, or was overrun",
    r"1 of \d+ contiguous not given back", r"1 of \d+ pages not given back", r"1 of \d+ mappings not given back",
    r"1 of \d+ references not given back", r"1 of \d+ timers not given back", r"1 of \d+ devices not given back",
    r"\d+ of \d+ pool not given back"]
WRITABLE, EXECUTABLE, MACHINE_I386 = 0x80000000, 0x20000000, 0x14c


class Image:
    """coop.sys, to be damaged."""

    def __init__(self):
        self.data = bytearray((NT_BUILD / "hosts/windows/coop.sys").read_bytes())
        self.header = struct.unpack_from("<I", self.data, 0x3c)[0] + 4

    def put(self, offset, form, value):
        struct.pack_into(form, self.data, offset, value)
        return self.data

    def section_flags(self, number):
        return self.header + 20 + struct.unpack_from("<H", self.data, self.header + 16)[0] + 40 * number + 36


def writable_text():
    image = Image()
    flags = image.section_flags(0)
    return image.put(flags, "<I", struct.unpack_from("<I", image.data, flags)[0] | WRITABLE | EXECUTABLE)


BROKEN = {
    "no PE image": lambda: b"MZ",
    "not for x64": lambda: Image().put(Image().header, "<H", MACHINE_I386),
    "a section does not fit": lambda: Image().data[:20000],
    "a section is writable and executable": writable_text,
    "nobody exports DbgPrinx": lambda: Image().data.replace(b"DbgPrint\0", b"DbgPrinx\0"),
    "no sane size": lambda: Image().put(Image().header + 20 + 56, "<I", 0),
    "no relocations": lambda: Image().put(Image().header + 18, "<H", 0x0023),
}


class Double(unittest.TestCase):
    def test_loader(self):
        with NtHost(kernel="6.12", smp=1, memory_mib=1024) as host:
            for why, make in BROKEN.items():
                with self.subTest(why=why):
                    host.check_run("cat >/run/broken.sys", input=bytes(make()))
                    self.assertNotEqual(host.run("insmod $module image=/run/broken.sys").status, 0)
                    self.assertIn(f"not loaded: {why}", host.log())
            self.assertNotEqual(host.run("insmod $module image=/run/none.sys").status, 0)
            self.assertIn("cannot read /run/none.sys", host.log())
            host.check_run("insmod $module && rmmod $module")

    def test_complaints(self):
        with NtHost("tests/nt/harness/pe", kernel="6.12", smp=2, memory_mib=1024, allow_log=("coop_nt: complaint",)) as host:
            host.check_run("insmod $module image=/share/nt/coop_wrong.sys && rmmod $module")
            log = host.log()
            for complaint in COMPLAINTS:
                with self.subTest(complaint=complaint):
                    self.assertEqual(len(re.findall(f"complaint: {complaint}", log)), 1, log)


if __name__ == "__main__":
    unittest.main(verbosity=2)
