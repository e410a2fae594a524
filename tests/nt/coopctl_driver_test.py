# SPDX-License-Identifier: GPL-2.0-only
"""coopctl.exe with coop.sys, both as they are, under Wine: installs and starts it, asks it, is told why no guest can run there,
stops and removes it.

Usage: coopctl_driver_test.py COOPCTL KERNEL (in the build tree of preset mingw)
"""

import json
import pathlib
import subprocess
import sys
import unittest

COOPCTL, KERNEL = sys.argv[1:3]
DRIVER = pathlib.Path(COOPCTL).parents[2] / "hosts" / "windows" / "coop.sys"
SECONDS = 120
HOST = 6  # docs/coopctl.md


def coopctl(*words):
    return subprocess.run(["wine", COOPCTL, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS,
                          check=False)


class WithDriver(unittest.TestCase):
    def setUp(self):
        coopctl("driver", "remove")  # of a run that was cut short
        self.addCleanup(coopctl, "driver", "remove")
        for words in (("install", "--file", DRIVER), ("start",)):
            done = coopctl("driver", *words)
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_the_driver_answers(self):
        versions = json.loads(coopctl("version", "--json").stdout)
        self.assertEqual([versions["driver"][abi] for abi in ("control_abi", "guest_abi")],
                         [versions[abi] for abi in ("control_abi", "guest_abi")])
        done = coopctl("doctor")
        self.assertRegex(done.stdout, r"Module +ok +loaded \(" + versions["driver"]["build"])
        self.assertRegex(done.stdout, r"Guests +ok +0 running, [1-9]")
        self.assertIn("This host cannot run guests now: NX: off.", done.stdout)  # Wine shows drivers an EFER of its own
        self.assertEqual(done.returncode, HOST)

    def test_a_guest_is_refused(self):
        done = coopctl("start", "--kernel", KERNEL, "--memory", "64M", "x")
        self.assertEqual(done.returncode, HOST)
        self.assertIn("this host cannot run guests: the host kernel does not use no-execute pages", done.stderr)

    def test_stop_and_remove(self):
        self.assertEqual(coopctl("driver", "stop").returncode, 0)
        self.assertRegex(coopctl("version").stdout, r"driver: +- \(")
        self.assertEqual(coopctl("driver", "remove").returncode, 0)
        self.assertEqual(coopctl("driver", "status").stdout.strip(), "driver: not installed")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
