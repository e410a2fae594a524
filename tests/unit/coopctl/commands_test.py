# SPDX-License-Identifier: GPL-2.0-only
"""coopctl as a user meets it: the real program, a terminal, and a guest's process whose driver is a fake.

Usage: commands_test.py COOPCTL FAKE_GUEST. Programs for NT run under Wine; what needs signals or a terminal is left out
there.
"""

import fcntl
import json
import os
import pathlib
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest


def program(path):
    return ["wine", path] if path.endswith(".exe") else [path]


COOPCTL, FAKE_GUEST = (program(path) for path in sys.argv[1:3])
NT = sys.argv[1].endswith(".exe")
DETACH = b"\x1d"
SECONDS = 30  # for anything that should take a moment
on_linux = unittest.skipIf(NT, "needs signals or a terminal")


class Terminal:
    """A coopctl whose standard streams are a terminal."""

    def __init__(self, *words, columns=100, rows=40):
        self.near, far = pty.openpty()
        self.resize(columns, rows)
        self.process = subprocess.Popen(words, stdin=far, stdout=far, stderr=far, start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(far)
        self.seen = b""

    def resize(self, columns, rows):
        fcntl.ioctl(self.near, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, keys):
        os.write(self.near, keys)

    def expect(self, text):
        deadline = time.monotonic() + SECONDS
        while text not in self.seen:
            ready, _, _ = select.select([self.near], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise AssertionError(f"{text!r} did not come; seen: {self.seen!r}")
            try:
                self.seen += os.read(self.near, 4096)
            except OSError:
                raise AssertionError(f"ended before {text!r}; seen: {self.seen!r}") from None
        self.seen = self.seen[self.seen.index(text) + len(text):]

    def close(self):
        status = self.process.wait(SECONDS)
        os.close(self.near)
        return status


class Commands(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.run_dir = pathlib.Path(self.folder.name) / "run"
        self.guest = None
        self.start()

    def tearDown(self):
        if self.guest.poll() is None:
            self.guest.kill()
        self.guest.wait()
        self.folder.cleanup()

    def start(self):
        self.guest = subprocess.Popen([*FAKE_GUEST, self.run_dir, "g", pathlib.Path(self.folder.name) / "vmlinux"],
                                      stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + SECONDS
        while json.loads(self.coopctl("list", "--json").stdout or "[]") == [] or self.state() != "running":
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)

    def coopctl(self, *words, **options):
        return subprocess.run([*COOPCTL, *words, "--runtime-dir", self.run_dir], capture_output=True, text=True,
                              timeout=SECONDS, check=False, **options)

    def state(self):
        return json.loads(self.coopctl("status", "g", "--json").stdout)["state"]

    def console(self, **options):
        return Terminal(*COOPCTL, "console", "g", "--runtime-dir", str(self.run_dir), **options)

    def test_list_status_stats(self):
        rows = self.coopctl("list").stdout.splitlines()
        self.assertEqual(rows[0].split(), ["NAME", "STATE", "PID", "MEMORY", "VCPUS", "UP", "DETAIL"])
        status = json.loads(self.coopctl("status", "g", "--json").stdout)
        self.assertEqual(rows[1].split()[:5], ["g", "running", str(status["pid"]), "64", "MiB"])
        self.assertEqual((status["memory"], status["reboots"]), (64 << 20, 0))
        if not NT:  # Wine has numbers of its own
            self.assertEqual(status["pid"], self.guest.pid)
        self.assertIn("State:         running", self.coopctl("status", "g").stdout)
        self.assertEqual(json.loads(self.coopctl("stats", "g", "--json").stdout)["switches"], 42)
        self.assertIn("Switches into the guest:", self.coopctl("stats", "g").stdout)

    @on_linux
    def test_interfaces(self):
        interface, = json.loads(self.coopctl("status", "g", "--json").stdout)["interfaces"]
        self.assertEqual((interface["type"], interface["restrict"], interface["portForward"]), ("user", True, []))
        self.assertRegex(self.coopctl("status", "g").stdout, f"Network: +user, {interface['mac']}, restricted\n")
        counters, = json.loads(self.coopctl("stats", "g", "--json").stdout)["interfaces"]
        self.assertEqual(set(counters.values()), {0})
        self.assertRegex(self.coopctl("stats", "g").stdout, "Network 0, from the guest: +0 frames, 0 B, 0 dropped\n")

    @on_linux
    def test_console(self):
        first = self.console()
        first.expect(b"hello from the guest\r\n")  # printed before anyone watched
        first.expect(b"[100x40]\r\n")
        first.type(b"one\x03")  # Ctrl-C is the guest's
        first.expect(b"one\x03")
        second = self.console(columns=90, rows=30)
        second.expect(b"one\x03")
        second.expect(b"[90x30]\r\n")
        second.type(b"two")
        first.expect(b"two")
        first.resize(70, 20)
        second.expect(b"[70x20]\r\n")
        first.type(DETACH)
        first.expect(b"[detached from 'g']")
        self.assertEqual(first.close(), 0)
        second.type(b"three")
        second.expect(b"three")
        self.assertEqual(self.coopctl("kill", "g").returncode, 0)
        second.expect(b"[guest 'g': the guest was ended by force]")
        self.assertEqual(second.close(), 4)

    def test_console_without_a_terminal(self):
        words = [*COOPCTL, "console", "g", "--runtime-dir", self.run_dir]
        done = subprocess.run(words, input=b"x" * 100000 + b"panic\n", capture_output=True, timeout=SECONDS, check=False)
        self.assertEqual(done.returncode, 4)
        self.assertIn(b"hello from the guest", done.stdout)
        self.assertEqual(done.stdout.count(b"x"), 100000)
        self.assertIn(b"the guest kernel panicked", done.stderr)
        self.assertEqual(self.guest.wait(SECONDS), 4)

    @on_linux
    def test_a_viewer_who_sleeps_does_not_hold_up_the_others(self):
        sleeper = subprocess.Popen([*COOPCTL, "console", "g", "--no-input", "--runtime-dir", self.run_dir],
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        sleeper.stdout.read(5)
        sleeper.send_signal(signal.SIGSTOP)
        done = subprocess.run([*COOPCTL, "console", "g", "--runtime-dir", self.run_dir], input=b"y" * 2000000 + b"panic\n",
                              capture_output=True, timeout=2 * SECONDS, check=False)
        sent = len(b"hello from the guest\r\n") + 2000000 + len(b"panic\n")
        self.assertEqual(shown_and_dropped(done.stdout), sent)
        sleeper.send_signal(signal.SIGCONT)
        rest = sleeper.stdout.read()
        sleeper.stdout.close()
        sleeper.wait(SECONDS)
        self.assertLess(rest.count(b"y"), 2000000)

    @on_linux
    def test_reboot_keeps_viewers(self):
        viewer = self.console()
        viewer.expect(b"hello from the guest")
        viewer.type(b"reboot\r")
        viewer.expect(b"hello from the guest")
        self.assertEqual(json.loads(self.coopctl("status", "g", "--json").stdout)["reboots"], 1)
        viewer.type(DETACH)
        viewer.expect(b"detached")
        self.assertEqual(viewer.close(), 0)

    def test_stop(self):
        done = self.coopctl("stop", "g")
        self.assertEqual((done.returncode, done.stdout), (0, "guest 'g': the guest powered off\n"))
        self.assertEqual(self.guest.wait(SECONDS), 0)
        self.assertEqual(self.coopctl("list").stdout.count("\n"), 1)
        self.assertIn("the guest powered off", self.coopctl("list", "--all").stdout)
        self.assertEqual(json.loads(self.coopctl("status", "g", "--json").stdout)["end"]["reason"], "poweroff")
        self.assertIn("guest: early words", self.coopctl("logs", "g").stdout)
        again = self.coopctl("stop", "g")
        self.assertEqual(again.returncode, 3)
        self.assertIn("guest 'g' does not run: the guest powered off", again.stderr)
        self.assertEqual(sorted(os.listdir(self.run_dir)), ["g.last", "g.log"])

    @on_linux
    def test_signal_is_a_clean_stop(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
            self.guest.send_signal(number)
            self.assertEqual(self.guest.wait(SECONDS), 0, number)
            self.assertIn("the guest powered off", self.coopctl("status", "g").stdout)
            self.start()

    @on_linux
    def test_start_outlives_the_reader_of_its_standard_error(self):
        near, far = os.pipe()
        os.close(near)
        with os.fdopen(far, "w") as nobody:
            done = subprocess.run([*COOPCTL, "start", "--foreground", "--kernel", "/none", "x", "--runtime-dir",
                                   self.run_dir], stderr=nobody, timeout=SECONDS, check=False)
        self.assertIn(done.returncode, (1, 6))  # no such kernel, or no driver

    def test_killed_process(self):
        with subprocess.Popen([*COOPCTL, "console", "g", "--no-input", "--runtime-dir", self.run_dir],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as watcher:
            self.assertEqual(watcher.stdout.read(5), b"hello")
            self.guest.kill()
            self.assertEqual(watcher.wait(SECONDS), 4)
            self.assertIn(b"the guest's process is gone", watcher.stderr.read())
        self.guest.wait()
        self.assertEqual(json.loads(self.coopctl("status", "g", "--json").stdout)["end"]["reason"], "lost")
        self.assertEqual(json.loads(self.coopctl("list", "--json").stdout), [])
        self.start()
        self.assertEqual(self.coopctl("stop", "g").returncode, 0)

    @on_linux
    def test_a_stopped_process_is_told_from_a_dead_one(self):
        self.guest.send_signal(signal.SIGSTOP)
        guests = json.loads(self.coopctl("list", "--json").stdout)
        self.guest.send_signal(signal.SIGCONT)
        self.assertEqual([guest["state"] for guest in guests], ["unresponsive"])

    @on_linux
    def test_a_process_that_is_about_to_start_its_guest(self):
        with open(self.run_dir / "s.pid", "w", encoding="ascii") as lock:  # what it has before its socket
            fcntl.lockf(lock, fcntl.LOCK_EX)
            lock.write("12345\n")
            lock.flush()
            guests = json.loads(self.coopctl("list", "--json").stdout)
            self.assertEqual([(guest["name"], guest["state"]) for guest in guests], [("g", "running"), ("s", "starting")])
            self.assertIn("State:    starting", self.coopctl("status", "s").stdout)
            stop = self.coopctl("stop", "s")
            self.assertEqual(stop.returncode, 1)
            self.assertIn("guest 's' (process 12345) is just starting", stop.stderr)

    def test_follow_the_log_to_the_end(self):
        with subprocess.Popen([*COOPCTL, "logs", "g", "--follow", "--runtime-dir", self.run_dir], text=True,
                              stdout=subprocess.PIPE) as logs:
            self.assertIn("starting guest 'g'", logs.stdout.readline())
            self.coopctl("stop", "g")
            self.assertIn("coopctl: the guest powered off", logs.stdout.read())

    def test_mistakes(self):
        for words, status in (((), 2), (("frobnicate",), 2), (("status",), 2), (("status", "no"), 3),
                              (("status", "a/b"), 2), (("logs", "no"), 3), (("console", "no"), 3), (("stop", "no"), 3),
                              (("list", "--al"), 2), (("start", "x"), 2)):
            done = subprocess.run([*COOPCTL, *words, *(["--runtime-dir", self.run_dir] if words else [])],
                                  capture_output=True, text=True, timeout=SECONDS, check=False)
            self.assertEqual(done.returncode, status, words)
            self.assertTrue(done.stderr)
            self.assertEqual(done.stdout, "")


def shown_and_dropped(output):
    """Bytes that were shown, plus those that notes in the output say were left out."""
    note = re.compile(rb"\r\n\[coopctl: (\d+) bytes were not shown, [^\]]*\]\r\n")
    return len(note.sub(b"", output)) + sum(int(bytes_) for bytes_ in note.findall(output))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
