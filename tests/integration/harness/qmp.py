# SPDX-License-Identifier: GPL-2.0-only
"""QEMU's machine protocol: commands with their answers, and the events that arrive between (QEMU's qmp-spec)."""

import json
import threading


class QmpError(RuntimeError):
    """QEMU refused a command; the text is its own."""


class Qmp:
    """Owns one connected socket. Commands may come from any thread, one at a time."""

    def __init__(self, connection, timeout=30):
        self.timeout = timeout
        self.connection = connection
        self.events = []
        self.answer = None
        self.closed = False
        self.changed = threading.Condition()
        self.turn = threading.Lock()
        threading.Thread(target=self._read, name="qmp", daemon=True).start()
        self.execute("qmp_capabilities")

    def _read(self):
        try:
            for line in self.connection.makefile("r", encoding="utf-8"):
                message = json.loads(line)
                with self.changed:
                    if "event" in message:
                        self.events.append(message)
                    elif "QMP" not in message:
                        self.answer = message
                    self.changed.notify_all()
        except (OSError, ValueError):
            pass  # QEMU went away in the middle of a line
        with self.changed:
            self.closed = True
            self.changed.notify_all()

    def execute(self, command, **arguments):
        with self.turn, self.changed:
            self.answer = None
            request = {"execute": command, "arguments": arguments}
            try:
                self.connection.sendall(json.dumps(request).encode() + b"\n")
            except OSError as error:
                raise QmpError(f"{command}: QEMU has ended") from error
            if not self.changed.wait_for(lambda: self.answer or self.closed, self.timeout):
                raise QmpError(f"{command}: no answer within {self.timeout} s")
            if self.answer is None:
                raise QmpError(f"{command}: QEMU has ended")
            if "error" in self.answer:
                raise QmpError(f"{command}: {self.answer['error']['desc']}")
            return self.answer["return"]

    def hmp(self, line):
        """A command of QEMU's human monitor; returns its text."""
        return self.execute("human-monitor-command", **{"command-line": line})

    def event(self, name):
        """The last event of that name, or None."""
        with self.changed:
            return next((event for event in reversed(self.events) if event["event"] == name), None)

    def close(self):
        self.connection.close()
