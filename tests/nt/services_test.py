# SPDX-License-Identifier: GPL-2.0-only
"""`coopctl driver` and `coopctl service` against Wine's service manager; the service's guests have a fake driver.

Usage: services_test.py COOPCTL_WITH_FAKE_DRIVER KERNEL
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAM, KERNEL = sys.argv[1:3]
PREFIX = os.environ["WINEPREFIX"]
DATA = pathlib.Path(PREFIX) / "drive_c" / "ProgramData" / "coop"
SESSION_LOG = pathlib.Path(PREFIX + ".log")  # wine_session.sh
EVENT = re.compile(r'([a-z]+):eventlog:ReportEventW L"(.*)"')  # how Wine prints one; err is an error, trace what is none
SOURCE = r"HKLM\SYSTEM\CurrentControlSet\Services\EventLog\Application\coopctl"
SECONDS = 180
FAILED, USAGE, NO_GUEST, HOST = 1, 2, 3, 6  # docs/coopctl.md


def run(*words):
    """By files: a guest that is started keeps the standard error, and a pipe would have no end."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        done = subprocess.run(["wine", *words], stdin=subprocess.DEVNULL, stdout=out, stderr=err, timeout=SECONDS,
                              check=False)
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(done.args, done.returncode, out.read(), err.read())


def coopctl(*words):
    return run(PROGRAM, *words)


class Services(unittest.TestCase):
    def setUp(self):
        for command in ("service", "driver"):
            coopctl(command, "remove")
        self.log_begin = SESSION_LOG.stat().st_size

    def check(self, words, status, *says):
        done = coopctl(*words)
        self.assertEqual(done.returncode, status, done.stderr)
        for text in says:
            self.assertIn(text, done.stdout + done.stderr)
        return done

    def state(self, command):
        return json.loads(coopctl(command, "status", "--json").stdout)["state"]

    def event_source(self):
        """The file that the event log takes the messages' texts from; None: there is no such source."""
        done = run("reg", "query", SOURCE, "/v", "EventMessageFile")
        return done.stdout.split("REG_EXPAND_SZ")[1].strip() if done.returncode == 0 else None

    def events(self):
        """What was reported since the test began: (Wine's word for its kind, text)."""
        with SESSION_LOG.open(encoding="utf-8", errors="replace") as log:
            log.seek(self.log_begin)
            return EVENT.findall(log.read())

    def test_driver(self):
        self.check(["driver", "status"], HOST, "not installed")
        self.check(["driver", "start"], FAILED, "cannot start 'coop': it is not installed", "install it first")
        self.check(["driver", "install"], FAILED, "no file", "coop.sys", "--file")
        self.check(["driver", "install", "--file", KERNEL], 0)  # any file
        self.assertEqual(self.state("driver"), "stopped")
        self.check(["driver", "install", "--file", KERNEL], FAILED, "installed already", "remove it first")
        self.check(["driver", "start"], FAILED, "cannot start 'coop': ")
        self.check(["driver", "stop"], 0)  # nothing to do
        self.check(["driver", "remove"], 0)
        self.check(["driver", "remove"], FAILED, "not installed")
        self.assertEqual(self.state("driver"), "not installed")

    def test_bad_actions(self):
        for command in ("driver", "service"):
            self.check([command], USAGE, "nothing to do was given", "install remove start stop status")
            self.check([command, "begin"], USAGE, "unknown action 'begin'")
            self.check([command, "start", "stop"], USAGE, "too many positional options")
        self.check(["service", "run"], USAGE, "only the system runs the service", "coopctl service start")
        self.check(["service", "stop"], FAILED, "it is not installed")

    def test_service(self):
        """Starts what is configured, reports what it cannot start, shuts all down."""
        self.check(["service", "install"], 0)
        self.addCleanup(coopctl, "service", "remove")
        self.assertEqual(self.event_source().replace("\\", "/"), "Z:" + PROGRAM)
        for name, kernel in (("good", KERNEL), ("bad", "/none")):
            (DATA / "guests" / f"{name}.toml").write_text(f'name = "{name}"\nmemory = "64M"\nkernel = "Z:{kernel}"\n',
                                                         encoding="utf-8")
        self.check(["service", "status"], NO_GUEST, "stopped")
        self.check(["service", "start"], 0)
        self.assertEqual(self.state("service"), "running")
        guests = json.loads(coopctl("list", "--json").stdout)
        self.assertEqual([guest["name"] for guest in guests], ["good"])
        self.check(["service", "start"], FAILED, "it runs already")
        self.check(["service", "stop"], 0)
        ended = json.loads(coopctl("status", "good", "--json").stdout)
        self.assertEqual((ended["state"], ended["end"]["reason"]), ("ended", "poweroff"))
        self.assertEqual(self.state("service"), "stopped")
        (bad, why), (good, starts), (end, ended) = self.events()  # in the order of the files' names
        self.assertEqual((bad, good, end), ("err", "trace", "trace"))
        self.assertRegex(why, "^cannot start the guest of .*bad.toml: .*none: no such file")
        self.assertRegex(starts, "^guest 'good' of .*good.toml starts$")
        self.assertEqual(ended, "guest 'good': the guest powered off")
        self.check(["service", "remove"], 0)
        self.assertEqual(self.state("service"), "not installed")
        self.assertIsNone(self.event_source())

    def test_a_guest_that_somebody_else_started_is_shut_down_too(self):
        for file in (DATA / "guests").glob("*.toml"):
            file.unlink()
        self.check(["service", "install"], 0)
        self.addCleanup(coopctl, "service", "remove")
        self.check(["service", "start"], 0)
        self.check(["start", "--wait", "30", "--memory", "64M", "--kernel", KERNEL, "mine"], 0, "guest 'mine' runs")
        self.check(["service", "remove"], 0)
        deadline = time.monotonic() + SECONDS
        while json.loads(coopctl("status", "mine", "--json").stdout)["state"] != "ended":
            self.assertLess(time.monotonic(), deadline)
        self.assertEqual(json.loads(coopctl("status", "mine", "--json").stdout)["end"]["reason"], "poweroff")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
