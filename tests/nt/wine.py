# SPDX-License-Identifier: GPL-2.0-only
"""What the tests under Wine share."""

import subprocess
import tempfile


def run(*words, seconds):
    """A program under Wine, with its output. By files: what it leaves running holds its standard error, as files have it
    there, and a pipe would have no end."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        done = subprocess.run(["wine", *words], stdin=subprocess.DEVNULL, stdout=out, stderr=err, timeout=seconds, check=False)
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(done.args, done.returncode, out.read(), err.read())


class Session:
    """Wine's server and services for as long as it is open: they would start and end with each program otherwise. They hold
    the standard streams of whoever started them, so nobody else may be the first."""

    def __enter__(self):
        self.process = subprocess.Popen(["wine", "cmd", "/c", "echo up& set /p x="], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        if b"up" not in self.process.stdout.readline():
            raise AssertionError("Wine does not start")
        return self

    def __exit__(self, *_):
        self.process.stdin.close()  # the end of what cmd waits for
        self.process.wait()
        self.process.stdout.close()
