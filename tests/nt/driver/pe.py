# SPDX-License-Identifier: GPL-2.0-only
"""A PE file's headers, as far as a driver's loader looks at them, and its resources (PE format specification, PE32+ only)."""

import dataclasses
import struct

SECTION_EXECUTE, SECTION_READ, SECTION_WRITE = 0x20000000, 0x40000000, 0x80000000
DIRECTORY_EXPORT, DIRECTORY_IMPORT, DIRECTORY_RESOURCE, DIRECTORY_EXCEPTION, DIRECTORY_SECURITY, DIRECTORY_RELOCATION = range(6)
DIRECTORY_TLS = 9
RESOURCE_MESSAGE_TABLE, RESOURCE_VERSION, RESOURCE_MANIFEST = 11, 16, 24


@dataclasses.dataclass
class Section:
    name: str
    address: int
    size: int
    file_size: int
    file_offset: int
    flags: int


class Pe:
    def __init__(self, data):
        self.data = data
        start = self._at("<I", 0x3c)
        assert data[start:start + 4] == b"PE\0\0", "no PE header"
        self.machine, count, _, _, _, optional_size, self.characteristics = self._at("<HHIIIHH", start + 4)
        self._optional = start + 24
        assert self._at("<H", self._optional) == 0x20b, "not PE32+"
        self.entry = self._at("<I", self._optional + 16)
        self.image_base = self._at("<Q", self._optional + 24)
        self.section_alignment = self._at("<I", self._optional + 32)
        self.os_version = self._at("<HH", self._optional + 40)
        self.subsystem_version = self._at("<HH", self._optional + 48)
        self.checksum = self._at("<I", self._optional + 64)
        self.subsystem, self.dll_characteristics = self._at("<HH", self._optional + 68)
        self.directories = [self._at("<II", self._optional + 112 + 8 * i) for i in range(16)]
        self.sections = [self._section(self._optional + optional_size + 40 * i) for i in range(count)]

    def _at(self, form, offset):
        values = struct.unpack_from(form, self.data, offset)
        return values if len(values) > 1 else values[0]

    def _section(self, offset):
        size, address, file_size, file_offset = self._at("<IIII", offset + 8)
        name = self.data[offset:offset + 8].rstrip(b"\0").decode()
        return Section(name, address, size, file_size, file_offset, self._at("<I", offset + 36))

    def offset(self, address):
        """Where in the file a relative virtual address is."""
        for section in self.sections:
            if section.address <= address < section.address + section.file_size:
                return address - section.address + section.file_offset
        raise ValueError(f"{address:#x} is in no section of the file")

    def text(self, address):
        offset = self.offset(address)
        return self.data[offset:self.data.index(b"\0", offset)].decode()

    def imports(self):
        """{library in lower case: set of names}; by number is an error."""
        found = {}
        at = self.offset(self.directories[DIRECTORY_IMPORT][0])
        while True:
            names, _, _, library, addresses = self._at("<IIIII", at)
            if library == 0:
                return found
            entries = found.setdefault(self.text(library).lower(), set())
            entry = self.offset(names or addresses)
            while (value := self._at("<Q", entry)) != 0:
                assert value < 1 << 63, f"{self.text(library)}: import by number"
                entries.add(self.text(value + 2))
                entry += 8
            at += 20

    def resources(self, kind):
        """The data of all resources of a kind (RT_*)."""
        base = self.offset(self.directories[DIRECTORY_RESOURCE][0])

        def entries(at):
            named, numbered = self._at("<HH", at + 12)
            return [self._at("<II", at + 16 + 8 * i) for i in range(named + numbered)]

        def data(place):
            if place >> 31:  # a directory: of names, then of languages
                return [each for _, below in entries(base + (place & 0x7fffffff)) for each in data(below)]
            address, size = self._at("<II", base + place)
            start = self.offset(address)
            return [self.data[start:start + size]]

        return [each for number, place in entries(base) if number == kind for each in data(place)]

    def computed_checksum(self):
        """What the header's checksum must be: the sum of 16-bit words but for itself, folded, and the length."""
        data = bytearray(self.data)
        data[self._optional + 64:self._optional + 68] = bytes(4)
        data += bytes(len(data) % 2)
        total = sum(struct.unpack(f"<{len(data) // 2}H", data))
        while total >> 16:
            total = (total & 0xffff) + (total >> 16)
        return total + len(self.data)
