# SPDX-License-Identifier: GPL-2.0-only
"""coop.sys as a file: what NT's loader, its code integrity and the core's switch ask of it.

Usage: check_driver.py BUILD_DIRECTORY (of preset mingw)
"""

import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import pe

ROOT = pathlib.Path(__file__).resolve().parents[3]
BUILD = pathlib.Path(sys.argv.pop(1) if len(sys.argv) > 1 else ROOT / "build" / "mingw")
X86_64, NATIVE = 0x8664, 1
HIGH_ENTROPY_VA, DYNAMIC_BASE, NX_COMPAT = 0x20, 0x40, 0x100
RELOCATIONS_STRIPPED = 1
PAGE, PASSAGE_BYTES = 0x1000, 0x3000
VECTOR_REGISTER = re.compile(r"%([xyz]?mm\d|k[0-7]|st\b)")


def run(*command):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)


def allowed_imports(host):
    """{library: names} of the .def files."""
    allowed = {}
    for path in (ROOT / "hosts" / "nt" / "ntoskrnl.def", *(ROOT / "hosts" / host).glob("*.def")):
        library = None
        for line in path.read_text(encoding="utf-8").splitlines():
            words = line.split(";")[0].split()
            if words[:1] == ["LIBRARY"]:
                library = words[1].lower()
            elif words and words != ["EXPORTS"]:
                allowed.setdefault(library, set()).add(words[0])
    return allowed


def signature_is_good(path):
    done = run("osslsigncode", "verify", "-CAfile", BUILD / "hosts" / "nt" / "test-certificate.pem", path)
    return done.returncode == 0 and "Signature verification: ok" in done.stdout, done.stdout + done.stderr


class Driver:
    host = None

    @classmethod
    def setUpClass(cls):
        folder = BUILD / "hosts" / cls.host
        cls.path, cls.with_symbols = folder / "coop.sys", folder / f"coop_{cls.host}.sys"
        if not cls.path.is_file():
            raise FileNotFoundError(f"{cls.path} is not built: tools/dev build --preset mingw")
        cls.file = pe.Pe(cls.path.read_bytes())

    def section(self, name):
        return next(section for section in self.file.sections if section.name == name)

    def test_headers(self):
        file = self.file
        self.assertEqual((file.machine, file.subsystem, file.subsystem_version, file.os_version),
                         (X86_64, NATIVE, (10, 0), (10, 0)))
        wanted = HIGH_ENTROPY_VA | DYNAMIC_BASE | NX_COMPAT
        self.assertEqual(file.dll_characteristics & wanted, wanted)
        self.assertFalse(file.characteristics & RELOCATIONS_STRIPPED)
        self.assertNotEqual(file.directories[pe.DIRECTORY_RELOCATION], (0, 0))
        self.assertNotEqual(file.directories[pe.DIRECTORY_EXCEPTION], (0, 0), "no unwind data: coop_guard needs it")
        self.assertEqual(file.directories[pe.DIRECTORY_EXPORT], (0, 0))
        self.assertEqual(file.directories[pe.DIRECTORY_TLS], (0, 0))
        self.assertEqual(file.section_alignment, PAGE)

    def test_checksum(self):
        self.assertEqual(self.file.checksum, self.file.computed_checksum())

    def test_sections(self):
        for section in self.file.sections:
            both = pe.SECTION_EXECUTE | pe.SECTION_WRITE
            self.assertNotEqual(section.flags & both, both, f"{section.name} is writable and executable")
            self.assertFalse(section.name.startswith((".ctors", ".dtors", ".CRT", ".tls", "/")), section.name)
        code = [section.name for section in self.file.sections if section.flags & pe.SECTION_EXECUTE]
        self.assertEqual(code, [".text"])
        text = self.section(".text")
        self.assertTrue(text.address <= self.file.entry < text.address + text.size)

    def test_imports_are_those_allowed(self):
        self.assertEqual(self.file.imports(), allowed_imports(self.host))

    def test_signature(self):
        good, output = signature_is_good(self.path)
        self.assertTrue(good, output)
        offset, size = self.file.directories[pe.DIRECTORY_SECURITY]
        self.assertEqual(offset + size, len(self.file.data))

    def test_a_changed_file_is_noticed(self):
        data = bytearray(self.file.data)
        data[self.file.offset(self.file.entry)] ^= 1
        changed = pe.Pe(bytes(data))
        self.assertNotEqual(changed.checksum, changed.computed_checksum())
        with tempfile.NamedTemporaryFile(suffix=".sys") as copy:
            copy.write(data)
            copy.flush()
            self.assertFalse(signature_is_good(copy.name)[0])

    def test_version_resource(self):
        version, = self.file.resources(pe.RESOURCE_VERSION)
        for text in ("VS_VERSION_INFO", "FileDescription", "OriginalFilename", "coop.sys"):
            self.assertIn(text.encode("utf-16-le"), version)

    def test_no_vector_registers(self):
        """They are the interrupted world's."""
        listing = run("x86_64-w64-mingw32-objdump", "-d", "--no-show-raw-insn", self.with_symbols).stdout
        self.assertGreater(listing.count("\n"), 1000)
        used = [line for line in listing.splitlines() if VECTOR_REGISTER.search(line)]
        self.assertEqual(used, [])

    def test_the_passage_has_pages_of_its_own(self):
        lines = run("x86_64-w64-mingw32-nm", "--defined-only", self.with_symbols).stdout.splitlines()
        symbols = {words[2]: int(words[0], 16) - self.file.image_base for words in map(str.split, lines) if len(words) == 3}
        begin = symbols["coop_passage_start"]
        text = self.section(".text")
        self.assertEqual(begin % PAGE, 0)
        self.assertTrue(text.address <= begin and begin + PASSAGE_BYTES <= text.address + text.size)
        strangers = [name for name, address in symbols.items() if begin <= address < begin + PASSAGE_BYTES
                     and not name.startswith(("coop_passage_", ".text"))]
        self.assertEqual(strangers, [])
        # The signed file has the same code.
        raw = pe.Pe(self.with_symbols.read_bytes())
        there, here = (file.data[file.offset(begin):][:PASSAGE_BYTES] for file in (raw, self.file))
        self.assertEqual(there, here)


class Windows(Driver, unittest.TestCase):
    host = "windows"


class ReactOs(Driver, unittest.TestCase):
    host = "reactos"


if __name__ == "__main__":
    unittest.main(verbosity=2)
