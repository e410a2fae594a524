# SPDX-License-Identifier: GPL-2.0-only
# Timeout: 900
"""coop.sys in the NT-ABI harness: loads, answers, pends, is cancelled, hears of sleep and shutdown, refuses, unloads, leaves nothing."""

import json
import re
import signal
import struct
import unittest

from nt_host import NtHost
from harness import tiny  # found by nt_host


def code(request):
    """COOP_NT_CODE of coop/ioctl_nt.h."""
    return 0xc0c0 << 16 | 3 << 14 | (0x800 + request) << 2


VERSION, HOST, CREATE, STATS, MAP, HOST_EVENT = map(code, (0, 1, 2, 8, 0x40, 0x41))
VERSION_BYTES, HOST_BYTES, STATS_BYTES, MAP_BYTES, HOST_EVENT_BYTES = 80, 48, 216, 24, 8
SUCCESS, LENGTH, NO_SUCH, NOT_READY, CANCELLED = 0, 0xc0000004, 0xc0000010, 0xc00000a3, 0xc0000120
REFUSED = {  # code, bytes of input, bytes of output: status
    (VERSION, VERSION_BYTES, VERSION_BYTES - 1): LENGTH,
    (VERSION, 0, VERSION_BYTES): LENGTH,
    (VERSION, VERSION_BYTES + 1, VERSION_BYTES + 1): LENGTH,
    (STATS, STATS_BYTES, STATS_BYTES): NOT_READY,
    (MAP, MAP_BYTES, MAP_BYTES): NOT_READY,
    (VERSION | 1, VERSION_BYTES, VERSION_BYTES): NO_SUCH,  # METHOD_IN_DIRECT
    (VERSION & ~0x8000, VERSION_BYTES, VERSION_BYTES): NO_SUCH,  # FILE_READ_DATA alone
    (code(0x42), 8, 8): NO_SUCH,
    (code(12), 8, 8): NO_SUCH,
    (0, 0, 0): NO_SUCH,
}
HOST_VBS = 0x800
ALL_KINDS = {"pool", "contiguous", "pages", "mappings", "references", "handles", "timers", "callbacks", "irps", "devices", "links",
             "routines"}


class Driver(unittest.TestCase):
    def check_answers(self, host):
        status, answer = host.control(VERSION, "00" * VERSION_BYTES, VERSION_BYTES)
        self.assertEqual((status, len(answer)), (SUCCESS, VERSION_BYTES))
        self.assertEqual(struct.unpack_from("<IIII", answer), (1, 0, 1, 0))
        version = json.loads(host.check_run("coopctl version --json"))
        self.assertIn(answer[16:].split(b"\0")[0].decode(), json.dumps(version))
        for (number, given, taken), expected in REFUSED.items():
            with self.subTest(code=hex(number), input=given, output=taken):
                self.assertEqual(host.control(number, "00" * given, taken)[0], expected)

    def check_access(self, host):
        """SYSTEM and the administrators, whatever the parent allows."""
        log = host.log()
        self.assertIn("the device's list has 2 entries and inherits nothing", log)
        self.assertEqual(set(re.findall(r"the device allows 0x1f01ff to (\S+)", log)), {"S-1-5-18", "S-1-5-32-544"})

    def pending(self, host):
        return host.start_control(HOST_EVENT, "00" * HOST_EVENT_BYTES, HOST_EVENT_BYTES)

    def check_pending(self, host):
        """A request that pends: cancelled, ended with its process, and answered."""
        jobs = [self.pending(host) for _ in range(3)]
        host.check_run("sleep 3")
        self.assertEqual([job.status for job in jobs], [None] * 3)
        jobs[0].signal(signal.SIGUSR1)
        self.assertEqual(host.finish_control(jobs[0])[0], CANCELLED)
        jobs[1].signal(signal.SIGKILL)
        jobs[1].wait(60)
        self.assertIsNone(jobs[2].status)
        host.tell("sleep")
        self.assertEqual(host.finish_control(jobs[2]), (SUCCESS, struct.pack("<II", 1, 0)))
        self.assertEqual(host.finish_control(self.pending(host))[0], SUCCESS)  # at once, while it sleeps
        host.tell("wake")
        job = self.pending(host)
        host.check_run("sleep 2")
        self.assertIsNone(job.status)
        job.signal(signal.SIGUSR1)
        self.assertEqual(host.finish_control(job)[0], CANCELLED)

    def check_sleep(self, host):
        """No guest runs while the machine sleeps."""
        guest = host.start(tiny.command(tiny.DOORBELLS, 300000))
        host.check_run("sleep 2")
        host.tell("sleep")
        host.check_run("sleep 15")
        self.assertIsNone(guest.status)
        host.tell("wake")
        self.assertEqual(tiny.parse(guest.wait(300).out)["end"], tiny.END_POWEROFF)

    def check_shutdown(self, host):
        """Guests end, requests that pend are answered, new ones find no host."""
        guest, job = host.start(tiny.command(tiny.EVENTS, 1000000)), self.pending(host)
        host.check_run("sleep 3")
        host.tell("shutdown")
        self.assertEqual(tiny.parse(guest.wait(60).out)["end"], 16)  # COOP_END_KILLED
        self.assertEqual(host.finish_control(job), (SUCCESS, struct.pack("<II", 2, 0)))
        self.assertNotEqual(host.run(tiny.command(tiny.DOORBELLS, 10)).status, 0)

    def test_life(self):
        with NtHost(kernel="6.12", smp=2, memory_mib=1024) as host:
            host.check_run("insmod $module")
            self.check_access(host)
            self.check_answers(host)
            self.check_pending(host)
            self.assertEqual(tiny.run(host, tiny.DOORBELLS, 1000)["end"], tiny.END_POWEROFF)
            self.check_sleep(host)
            self.check_shutdown(host)
            taken = host.unload()
            self.assertEqual({kind for kind, count in taken.items() if count} & ALL_KINDS, ALL_KINDS)

    def test_refusals(self):
        with NtHost(kernel="6.12", smp=2, memory_mib=1024) as host:
            host.check_run("insmod $module hvci=1")
            status, answer = host.control(HOST, "00" * HOST_BYTES, HOST_BYTES)
            self.assertEqual(status, SUCCESS)
            self.assertEqual(struct.unpack_from("<I", answer, 40)[0], HOST_VBS)
            refused = host.run(tiny.command(tiny.DOORBELLS, 10))
            self.assertIn("Operation not supported", refused.err)
            host.unload()
            self.assertNotEqual(host.run("insmod $module registry=StuckLimitMs=99").status, 0)
            self.assertIn("StuckLimitMs=99 is below 100", host.log())

    def test_memory_without_pieces(self):
        """Of a kernel that gives no contiguous pieces, the driver asks for each page of a range."""
        with NtHost(kernel="6.12", smp=2, memory_mib=1024) as host:
            host.check_run("insmod $module pieces=0")
            self.assertEqual(tiny.run(host, tiny.DOORBELLS, 1000)["end"], tiny.END_POWEROFF)
            self.assertEqual(tiny.run(host, tiny.EVENTS, 100)["end"], tiny.END_POWEROFF)
            self.assertGreaterEqual(host.unload()["pages"], 4)


if __name__ == "__main__":
    unittest.main(verbosity=2)
