# SPDX-License-Identifier: GPL-2.0-only
"""The setup program under Wine: installs, upgrades and uninstalls itself, silently. The driver is not started here, so any
file does for it.

Usage: installer_test.py COOPCTL KERNEL
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

COOPCTL, KERNEL = sys.argv[1:3]
ROOT = pathlib.Path(__file__).resolve().parents[2]
DRIVE = pathlib.Path(os.environ["WINEPREFIX"]) / "drive_c"
PLACE = DRIVE / "Program Files" / "Cooperative Linux"
MENU = DRIVE / "ProgramData" / "Microsoft" / "Windows" / "Start Menu" / "Programs" / "Cooperative Linux"
KEY = r"HKLM\Software\Microsoft\Windows\CurrentVersion\Uninstall\Cooperative Linux"
FILES = ["LIBRARIES.txt", "LICENSE.txt", "README.txt", "coop.sys", "coopctl.exe", "uninstall.exe", "vmlinux"]
SECONDS = 180
HOST = 6  # docs/coopctl.md


def run(*words):
    return subprocess.run(words, capture_output=True, text=True, timeout=SECONDS, check=False)


class Installer(unittest.TestCase):
    def driver_state(self):
        done = run("wine", COOPCTL, "driver", "status")
        return done.returncode, done.stdout.strip()

    def install(self, setup):
        done = run("wine", setup, "/S")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(sorted(path.name for path in PLACE.iterdir()), FILES)
        self.assertEqual(self.driver_state(), (HOST, "driver: stopped"))

    def test_install_upgrade_uninstall(self):
        with tempfile.TemporaryDirectory() as folder:
            setup = pathlib.Path(folder) / "coop-setup.exe"
            made = run(ROOT / "tools/nt/setup", "--kernel", KERNEL, "--driver", KERNEL, "--coopctl", COOPCTL, setup)
            self.assertEqual(made.returncode, 0, made.stdout + made.stderr)
            self.install(setup)
            self.install(setup)  # over what is there
        self.assertEqual((PLACE / "vmlinux").read_bytes(), pathlib.Path(KERNEL).read_bytes())
        self.assertEqual(sorted(path.name for path in MENU.iterdir()), ["Command line.lnk", "Read me.lnk", "Uninstall.lnk"])
        self.assertIn("DisplayVersion", run("wine", "reg", "query", KEY).stdout)
        self.assertIn("control ABI", run("wine", PLACE / "coopctl.exe", "version").stdout)
        # In place, and so until all is done: it copies itself elsewhere otherwise and returns at once.
        done = run("wine", PLACE / "uninstall.exe", "/S", r"_?=C:\Program Files\Cooperative Linux")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual([path.name for path in PLACE.iterdir()] if PLACE.exists() else [], [])
        self.assertFalse(MENU.exists())
        self.assertNotEqual(run("wine", "reg", "query", KEY).returncode, 0)
        self.assertEqual(self.driver_state(), (HOST, "driver: not installed"))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
