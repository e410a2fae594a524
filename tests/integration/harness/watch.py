# SPDX-License-Identifier: GPL-2.0-only
"""What guests did that could concern hardware, as seen by the QEMU plugin in tests/integration/watch."""

import bisect
import dataclasses
import mmap
import pathlib
import struct
import subprocess

from . import artifacts

PLUGIN = artifacts.BUILD / "tests" / "integration" / "watch" / "coop_watch.so"

# Layout: watch/report.h
MAGIC = 0x3168637461776f63
HEADER = struct.Struct("<QIIQQQQ")
RECORDS_AT, RECORDS = 4096, 8192
RECORD = struct.Struct("<QQQII16s48s")
PAGES_AT, PAGES = RECORDS_AT + RECORDS * RECORD.size, 1 << 20
UNKNOWN = 0xffffffff
PAGE = 4096


@dataclasses.dataclass(frozen=True)
class Record:
    """One instruction: its address, how often it was executed; MSR or port if known; the device if it is MMIO."""
    what: str
    address: int
    count: int
    detail: int | None
    physical: int
    device: str

    def operation(self):
        """Such as "wrmsr 0x1b", "in ?", "mmio read apic-msi", "hlt"."""
        if self.device:
            return f"{self.what} {self.device}"
        if self.what in ("rdmsr", "wrmsr", "in", "out"):
            return f"{self.what} {'?' if self.detail is None else hex(self.detail)}"
        return self.what


class Watch:
    """`arguments` make QEMU load the plugin; the other attributes are what it has seen by now."""

    def __init__(self, name):
        artifacts.LOGS.mkdir(parents=True, exist_ok=True)
        self.path = pathlib.Path(artifacts.LOGS / f"{name}.watch")
        self.path.unlink(missing_ok=True)
        self.arguments = ("-plugin", f"{PLUGIN},report={self.path}")

    def _header(self):
        with open(self.path, "rb") as file:
            magic, *rest = HEADER.unpack(file.read(HEADER.size))
        if magic != MAGIC:
            raise AssertionError(f"{self.path} is not a report of the plugin's")
        return rest

    used = property(lambda self: self._header()[0])
    lost = property(lambda self: self._header()[1])
    entries = property(lambda self: self._header()[2])
    first = property(lambda self: self._header()[3])
    executed = property(lambda self: self._header()[4])
    accesses = property(lambda self: self._header()[5])

    def records(self):
        """Those executed at least once in a guest."""
        with open(self.path, "rb") as file:
            file.seek(RECORDS_AT)
            data = file.read(RECORD.size * self.used)
        for address, count, physical, detail, _, what, device in RECORD.iter_unpack(data):
            if count:
                yield Record(what.rstrip(b"\0").decode(), address, count, None if detail == UNKNOWN else detail,
                             physical, device.rstrip(b"\0").decode())

    def pages(self):
        """{physical address of a page of RAM: address of the first instruction of a guest's kernel that touched it}"""
        with open(self.path, "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as view:
            table = struct.unpack_from(f"<{PAGES}Q", view, PAGES_AT)
        return {number * PAGE: instruction for number, instruction in enumerate(table) if instruction}


class Symbols:
    """Functions of a guest kernel by address. Before it runs at its own addresses it runs at physical ones: `first` is
    that of its entry point."""

    def __init__(self, vmlinux, entry, first):
        listed = subprocess.run(["nm", "-n", vmlinux], stdout=subprocess.PIPE, text=True, check=True).stdout
        parts = [line.split() for line in listed.splitlines()]
        table = {name: int(address, 16) for address, _, name in (part for part in parts if len(part) == 3)}
        text = sorted((int(part[0], 16), part[2]) for part in parts if len(part) == 3 and part[1] in "tTwW")
        self.addresses = [address for address, _ in text]
        self.names = [name for _, name in text]
        self.start, self.end = table["_text"], table["_end"]
        self.physical = first - table[entry]

    def function(self, address):
        """Its name; "user" for code in the lower half; else the bare address."""
        for linked in (address, address - self.physical):
            if self.start <= linked < self.end:
                index = bisect.bisect_right(self.addresses, linked) - 1
                if index >= 0:
                    return self.names[index]
        return hex(address) if address >> 63 else "user"
