# SPDX-License-Identifier: GPL-2.0-only
"""One QEMU process: its sockets and its end. Emulation only: a host must have no VT-x to use."""

import pathlib
import shutil
import socket
import subprocess
import tempfile
import time

from .qmp import Qmp

# setpriv: QEMU dies with us, however we end.
QEMU = ("setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64",
        "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot")
# More arguments: an instruction takes a nanosecond of the machine's clock and a tick of its TSC.
COUNTED = ("-icount", "shift=0,sleep=off")
COUNTED_TSC_KHZ = 1000000
# The emulator does byte by byte what these two promise to do fast: clearing a page that held code then takes 50 ms.
CPU = "max,erms=off,fsrm=off"
ACCEPT_SECONDS = 30


class MachineFailure(RuntimeError):
    """QEMU did not start."""


class Emulator:
    """Starts QEMU with `-no-reboot`: a reset of the machine, be it a panic or a triple fault, ends it.

    `arguments` are all but those of QMP and of the character device "agent", whose socket is agent_socket. What the machine
    writes to a serial port, the character device "console", goes to the file console_log.
    """

    def __init__(self, arguments, console_log):
        self.console_log = pathlib.Path(console_log)
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="coop-"))
        self.process = self.errors = self.agent_socket = self.qmp = None
        self.listeners = {name: self._listen(name) for name in ("qmp", "agent")}
        sockets = ["-qmp", f"unix:{self.directory}/qmp", "-chardev", f"socket,id=agent,path={self.directory}/agent",
                   "-chardev", f"file,id=console,path={self.console_log}"]
        try:
            self.errors = open(self.directory / "stderr", "w+b")  # pylint: disable=consider-using-with
            self.process = subprocess.Popen(  # pylint: disable=consider-using-with
                [*QEMU, *sockets, *arguments], stdin=subprocess.DEVNULL, stdout=self.errors, stderr=self.errors)
            self.agent_socket = self._accept(self.listeners["agent"])
            self.qmp = Qmp(self._accept(self.listeners["qmp"]))
        except BaseException:
            self.close()
            raise

    def _listen(self, name):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self.directory / name))
        listener.listen(1)
        listener.settimeout(0.2)
        return listener

    def _accept(self, listener):
        deadline = time.monotonic() + ACCEPT_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                connection = listener.accept()[0]
                connection.settimeout(None)
                return connection
            except TimeoutError:
                pass
        raise MachineFailure(f"QEMU did not start: {self.stderr() or 'no message, no connection'}")

    def stderr(self):
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace").strip()

    def console(self):
        """All the host's serial console has shown so far."""
        try:
            return self.console_log.read_bytes().decode(errors="replace").replace("\r", "")
        except FileNotFoundError:
            return ""

    def alive(self):
        return self.process.poll() is None

    def ending(self):
        """Why the machine ended, in words, or None while it runs."""
        if self.alive():
            return None
        shutdown = self.qmp.event("SHUTDOWN")
        reason = shutdown["data"]["reason"] if shutdown else None
        if reason == "guest-reset":
            return "the machine reset itself (a panic, if the log shows one; else a triple fault)"
        if reason:
            return f"the machine was shut down ({reason})"
        return f"QEMU ended with status {self.process.returncode}: {self.stderr()}"

    def close(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        for thing in (self.errors, self.agent_socket, self.qmp, *self.listeners.values()):
            if thing is not None:
                thing.close()
        shutil.rmtree(self.directory, ignore_errors=True)
