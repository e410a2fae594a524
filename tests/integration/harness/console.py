# SPDX-License-Identifier: GPL-2.0-only
"""A guest's console as a program uses it: wait for text, log in, run a command and learn its exit status."""

import base64
import codecs
import re
import secrets
import threading
import time

ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[()][A-Z0-9]|\x1b[=>78]|\r")
LINE = 900  # well below what a terminal in canonical mode takes in one line


class ConsoleTimeout(AssertionError):
    """The awaited text did not come; the message has what came instead."""


class Console:
    """Text in, text out. `write(bytes)` sends to the guest; whoever reads from it calls feed()."""

    def __init__(self, write):
        self.write = write
        self.text = ""  # all since the start, without escape sequences
        self.position = 0  # up to here it was expected
        self.decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self.raw = ""
        self.changed = threading.Condition()

    def feed(self, data):
        with self.changed:
            self.raw += self.decoder.decode(data)
            # An escape sequence may be cut in two: keep what might be its beginning for the next time.
            cut = self.raw.rfind("\x1b")
            whole, rest = (self.raw[:cut], self.raw[cut:]) if 0 <= cut and len(self.raw) - cut < 16 else (self.raw, "")
            if rest and ESCAPES.match(rest):
                whole, rest = self.raw, ""
            self.text += ESCAPES.sub("", whole)
            self.raw = rest
            self.changed.notify_all()

    def send(self, text):
        self.write(text.encode())

    def expect(self, pattern, timeout, progress=None):
        """Waits for a match of `pattern` in what was not expected yet; returns it. `progress` is called meanwhile
        with text that can no longer be part of the match (whole lines)."""
        expression = re.compile(pattern, re.MULTILINE)
        deadline = time.monotonic() + timeout
        shown = self.position
        with self.changed:
            while True:
                match = expression.search(self.text, self.position)
                if progress:
                    end = match.start() if match else max(shown, self.text.rfind("\n") + 1)
                    progress(self.text[shown:end])
                    shown = end
                if match:
                    self.position = match.end()
                    return match
                left = deadline - time.monotonic()
                if left <= 0:
                    raise ConsoleTimeout(f"guest console: no {pattern!r} within {timeout} s; it ends with:\n"
                                         f"{self.text[-2000:]}")
                self.changed.wait(left)

    def login(self, timeout=900):
        """From the login prompt to a plain shell: no echo, no prompt, no line editing, and none of the kernel's own lines in
        between (dmesg has them)."""
        self.expect(r"^\S+ login: ", timeout)
        self.send("root\n")
        self.expect(r"root@\S+:~# ", 120)
        ready = secrets.token_hex(8)
        # Its first half is quoted so that the echo of the line itself does not match.
        self.send(f"exec env PS1= PS2= TERM=dumb sh\ndmesg -n emerg\nstty -echo -opost; echo '{ready[:8]}'{ready[8:]}\n")
        self.expect(ready, 120)

    def begin(self, command):
        """Starts a shell command in the guest after login(); finish() takes what this returns."""
        mark = secrets.token_hex(8)
        encoded = base64.b64encode(command.encode()).decode()
        lines = "\n".join(encoded[start:start + LINE] for start in range(0, len(encoded), LINE))
        self.send(f"base64 -d >/run/command <<'END'\n{lines}\nEND\n"
                  f"echo begin-{mark}; sh /run/command </dev/null; echo \"end-{mark} $?\"\n")
        self.expect(f"begin-{mark}\n", 120)
        return mark

    def finish(self, mark, timeout=120, progress=None):
        """Waits for the end of what begin() started; returns (status, output)."""
        start = self.position
        match = self.expect(rf"end-{mark} (\d+)\n", timeout, progress)
        return int(match[1]), self.text[start:match.start()]

    def run(self, command, timeout=120, progress=None):
        """Runs a shell command in the guest after login(); returns (status, output)."""
        return self.finish(self.begin(command), timeout, progress)
