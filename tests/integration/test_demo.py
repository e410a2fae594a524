# SPDX-License-Identifier: GPL-2.0-only
# Timeout: 900
"""'tools/dev demo' as a user has it: one command in the guest, and the guest's console and the host's shell at a terminal."""

import os
import pty
import signal
import subprocess
import threading
import unittest

from harness import Console, artifacts

DEMO = [artifacts.ROOT / "tools" / "dev", "demo", "--preset", artifacts.BUILD.name, "--memory", "256M"]
PROMPT = r"root@\S+:~# "


class Terminal:
    """A command at a terminal of its own, with what it shows in `console`."""

    def __init__(self, command):
        process, self.master = pty.fork()
        if process == 0:
            os.execvp(command[0], command)
        self.process = process
        self.console = Console(lambda data: os.write(self.master, data))
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        try:
            while data := os.read(self.master, 65536):
                self.console.feed(data)
        except OSError:
            pass  # the last process that had it open is gone

    def run(self, line, pattern, timeout=60):
        """Types a line; returns what comes from there to the pattern's first match behind its echo."""
        self.console.send(line + "\n")
        self.console.expect(r"\n", timeout)
        start = self.console.position
        self.console.expect(pattern, timeout)
        return self.console.text[start:self.console.position]

    def wait(self, seconds):
        self.reader.join(seconds)
        if self.reader.is_alive():
            raise AssertionError(f"still there after {seconds} s; its terminal ends with:\n{self.console.text[-2000:]}")
        return os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])

    def close(self):
        if self.reader.is_alive():
            os.kill(self.process, signal.SIGHUP)
        os.close(self.master)


@unittest.skipUnless(artifacts.BUILD == artifacts.ROOT / "build" / artifacts.BUILD.name, "the build tree is not where the demo's is")
class Demo(unittest.TestCase):
    def test_one_command(self):
        done = subprocess.run([*DEMO, "--host-kernel", "6.1", "--", "uname -r; echo a  b | cat; exit 7"], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=600, check=False)
        lines = done.stdout.splitlines()
        self.assertEqual(done.returncode, 7, done.stderr)
        self.assertRegex(lines[-2], r"^6\.12\.")
        self.assertEqual(lines[-1], "a b")
        self.assertRegex(done.stderr, r"host: Linux 6\.1\.")
        self.assertIn("guest: shuts down", done.stderr)

    def test_at_a_terminal(self):
        demo = Terminal([str(word) for word in DEMO])
        try:
            demo.console.expect(r"^\S+ login: ", 600)
            demo.console.send("root\n")
            demo.console.expect(PROMPT, 120)
            inside = demo.run("uname -nr", PROMPT)
            demo.console.send("\x1d")
            demo.console.expect(r"This is the host", 60)
            demo.console.expect(r"# $", 60)
            outside = demo.run("uname -nr", r"# $")
            self.assertIn("6.12", inside)
            self.assertNotEqual(inside.splitlines()[0], outside.splitlines()[0])
            self.assertRegex(demo.run("coopctl list", r"# $"), r"demo +running")
            self.assertIn("256", demo.run("coopctl status demo", r"# $"))
            self.assertIn("Switches into the guest", demo.run("coopctl stats demo", r"# $"))
            demo.console.send("exit\n")
            self.assertEqual(demo.wait(300), 0)
            self.assertIn("module unloaded", demo.console.text)
        finally:
            demo.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
