# SPDX-License-Identifier: GPL-2.0-only
"""coopctl.exe as a file: its version, what it asks of Windows, the event log's text.

Usage: check_coopctl.py COOPCTL VERSION
"""

import pathlib
import struct
import sys
import unittest
import xml.etree.ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "driver"))
import pe  # pylint: disable=wrong-import-position

FILE = pe.Pe(pathlib.Path(sys.argv[1]).read_bytes())
VERSION = sys.argv[2]
FIXED_INFO = struct.pack("<II", 0xFEEF04BD, 0x10000)  # VS_FIXEDFILEINFO begins with it
MESSAGE_UNICODE = 1
SETTINGS = "{{http://schemas.microsoft.com/SMI/{}/WindowsSettings}}{}"


class Resources(unittest.TestCase):
    def test_version(self):
        version, = FILE.resources(pe.RESOURCE_VERSION)
        minor, major, build, patch = struct.unpack_from("<HHHH", version, version.index(FIXED_INFO) + len(FIXED_INFO))
        self.assertEqual((f"{major}.{minor}.{patch}", build), (VERSION, 0))
        for text in ("FileDescription", "OriginalFilename", "coopctl.exe", "FileVersion", VERSION):
            self.assertIn((text + "\0").encode("utf-16-le"), version)

    def test_manifest(self):
        text, = FILE.resources(pe.RESOURCE_MANIFEST)  # one: Windows reads the first, ours or a linker's own
        root = xml.etree.ElementTree.fromstring(text)
        self.assertEqual(root.find(".//" + SETTINGS.format(2019, "activeCodePage")).text, "UTF-8")
        self.assertEqual(root.find(".//" + SETTINGS.format(2016, "longPathAware")).text, "true")
        level = root.find(".//{urn:schemas-microsoft-com:asm.v3}requestedExecutionLevel").get("level")
        self.assertEqual(level, "asInvoker")

    def test_message(self):
        table, = FILE.resources(pe.RESOURCE_MESSAGE_TABLE)
        blocks, low, high, at = struct.unpack_from("<IIII", table)
        self.assertEqual((blocks, low, high), (1, 1, 1))  # os/windows/messages.mc
        size, flags = struct.unpack_from("<HH", table, at)
        self.assertEqual(flags, MESSAGE_UNICODE)
        self.assertEqual(table[at + 4:at + size].decode("utf-16-le").rstrip("\r\n\0"), "%1")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
