# SPDX-License-Identifier: GPL-2.0-only
"""Mistakes of the user, through coopctl.exe under Wine with a fake driver: the table of tests/integration. Each is refused with
the documented status, in words that say what is wrong and what to do, and leaves nothing behind.

Usage: bad_input_test.py COOPCTL_WITH_FAKE_DRIVER KERNEL
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
from bad_input_cases import CASES_ANYWHERE, FILES, KERNEL  # pylint: disable=wrong-import-position

PROGRAM, OWN_KERNEL = sys.argv[1:3]
NT_WORDS = {"Is a directory": "neither a regular file nor a disk"}
SECONDS = 180
# Wine's programs see this machine's files. One argument more, for a command that has any.
COOPCTL = """#!/bin/sh
[ $# = 0 ] || set -- "$@" --runtime-dir "$COOP_RUN"
exec wine "$COOP_PROGRAM" "$@"
"""


class BadInput(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.tmp = pathlib.Path(folder.name)
        self.run_dir = self.tmp / "run"
        (self.tmp / "bin").mkdir()
        script = self.tmp / "bin" / "coopctl"
        script.write_text(COOPCTL, encoding="utf-8")
        script.chmod(0o755)
        self.environment = {**os.environ, "PATH": f"{script.parent}:{os.environ['PATH']}", "COOP_RUN": str(self.run_dir),
                            "COOP_PROGRAM": PROGRAM}
        self.shell(FILES)

    def here(self, text):
        return text.replace("/tmp", str(self.tmp)).replace(KERNEL, OWN_KERNEL)

    def shell(self, command):
        return subprocess.run(["bash", "-c", self.here(command)], env=self.environment, capture_output=True, text=True,
                              timeout=SECONDS, check=False)

    def test_each(self):
        for case in CASES_ANYWHERE:
            with self.subTest(case.what):
                done = self.shell(case.command)
                told = done.stderr.replace("\\", "/").replace("Z:/", "/")  # Wine's name of our root
                self.assertEqual(done.returncode, case.status, told)
                if case.says is not None:
                    what, advice = told.splitlines()  # two lines, docs/coopctl.md
                    self.assertTrue(what.startswith("coopctl: ") and advice.startswith("  "), told)
                    for words in case.says:
                        self.assertIn(self.here(NT_WORDS.get(words, words)), told)
                left = sorted(os.listdir(self.run_dir)) if self.run_dir.exists() else []
                self.assertIn(left, ([], ["x.log"]))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
