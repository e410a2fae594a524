# SPDX-License-Identifier: GPL-2.0-only
"""Under Wine: the drivers' control path, driver_test.exe with the coop.sys of each NT kernel; and their assembly.

Usage: run_wine.py BUILD_DIRECTORY WORK_DIRECTORY (the first of preset mingw; the second keeps Wine's settings)
"""

import os
import pathlib
import shutil
import subprocess
import sys
import unittest

BUILD, WORK = map(pathlib.Path, (sys.argv.pop(1), sys.argv.pop(1)))
PREFIX_SCRIPT = pathlib.Path(__file__).parents[1] / "wine_prefix.sh"
SECONDS = 120
# No questions about what Wine would like to install; only what drivers print.
ENVIRONMENT = {**os.environ, "WINEPREFIX": str(WORK / "prefix"), "WINEDEBUG": "-all,+debugstr", "WINEDLLOVERRIDES": "mscoree,mshtml="}


def logged(*command):
    """Status and output. Wine's own processes run on between commands and write to the same file."""
    log = WORK / "output"
    with log.open("ab") as output:
        output.truncate(0)
        done = subprocess.run([*map(str, command)], env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=output,
                              stderr=subprocess.STDOUT, timeout=SECONDS, check=False)
    return done.returncode, log.read_text(encoding="utf-8", errors="replace")


class DriverTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tearDownClass()  # of a run that was killed
        shutil.rmtree(WORK, ignore_errors=True)
        WORK.mkdir(parents=True)
        status, output = logged(PREFIX_SCRIPT)
        if status:
            raise RuntimeError(f"{PREFIX_SCRIPT}: status {status}\n{output}")

    @classmethod
    def tearDownClass(cls):
        if WORK.is_dir():
            subprocess.run(["wineserver", "--kill"], env=ENVIRONMENT, timeout=SECONDS, check=False)
            subprocess.run(["wineserver", "--wait"], env=ENVIRONMENT, timeout=SECONDS, check=False)

    def control_path(self, host):
        status, output = logged("wine", BUILD / "tests" / "nt" / "driver" / "driver_test.exe", BUILD / "hosts" / host / "coop.sys")
        print(output)
        self.assertEqual(status, 0, output)
        self.assertIn("driver_test: 0 failures", output)
        # The driver's own words: why nothing runs here, and what was wrong with a setting.
        self.assertIn("coop: guests cannot run on this host", output)
        self.assertIn("coop: StuckLimitMs=99 is below 100", output)

    def test_assembly(self):
        status, output = logged("wine", BUILD / "tests" / "nt" / "driver" / "assembly_test.exe")
        self.assertEqual(status, 0, output)
        self.assertIn("assembly_test: 0 failures", output)

    def test_windows(self):
        self.control_path("windows")

    def test_reactos(self):
        self.control_path("reactos")


if __name__ == "__main__":
    unittest.main(verbosity=2)
