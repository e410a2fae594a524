# SPDX-License-Identifier: GPL-2.0-only
"""One QEMU process: its command line, its sockets, its end. Emulation only: a host must have no VT-x to use."""

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
SYSRQ_SECONDS = 3


class MachineFailure(RuntimeError):
    """QEMU did not start."""


class Machine:
    """Starts QEMU with `-no-reboot`: a reset of the machine, be it a panic or a triple fault, ends it.

    Disks are paths to raw images and are never written to. Shares map a 9p tag to a directory, read-only.
    """

    def __init__(self, *, kernel, initramfs, cmdline, cpu, smp, memory_mib, disks, shares, console_log, extra=()):
        self.console_log = pathlib.Path(console_log)
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="coop-"))
        self.process = self.errors = self.agent_socket = self.qmp = None
        self.listeners = {name: self._listen(name) for name in ("qmp", "agent")}
        arguments = [*QEMU, "-machine", "q35,accel=tcg", "-cpu", cpu, "-smp", str(smp), "-m", str(memory_mib),
                     "-kernel", str(kernel), "-initrd", str(initramfs), "-append", cmdline,
                     "-chardev", f"file,id=console,path={self.console_log}", "-serial", "chardev:console",
                     "-qmp", f"unix:{self.directory}/qmp",
                     "-device", "virtio-serial-pci",
                     "-chardev", f"socket,id=agent,path={self.directory}/agent",
                     "-device", "virtserialport,nr=1,chardev=agent,name=coop-agent",
                     "-object", "rng-random,id=rng,filename=/dev/urandom", "-device", "virtio-rng-pci,rng=rng"]
        for number, disk in enumerate(disks):
            arguments += ["-drive", f"if=none,id=disk{number},file={disk},format=raw,snapshot=on,cache=unsafe,"
                          "discard=unmap", "-device", f"virtio-blk-pci,drive=disk{number},addr={16 + number:#x}"]
        for tag, directory in shares.items():
            arguments += ["-fsdev", f"local,id={tag},path={directory},security_model=none,readonly=on,"
                          "multidevs=remap", "-device", f"virtio-9p-pci,fsdev={tag},mount_tag={tag}"]
        try:
            self.errors = open(self.directory / "stderr", "w+b")  # pylint: disable=consider-using-with
            self.process = subprocess.Popen(  # pylint: disable=consider-using-with
                [*arguments, *extra], stdin=subprocess.DEVNULL, stdout=self.errors, stderr=self.errors)
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

    def diagnose(self):
        """Has the kernel write its blocked tasks and what each CPU does to its console (sysrq w and l, by keyboard), and
        notes the CPUs' registers beside the console's log."""
        registers = self.qmp.hmp("info registers -a")
        self.console_log.with_suffix(".registers").write_text(registers, encoding="ascii")
        for letter in "wl":
            keys = [{"type": "qcode", "data": key} for key in ("alt", "sysrq", letter)]
            self.qmp.execute("send-key", keys=keys)
            time.sleep(SYSRQ_SECONDS)

    def close(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        for thing in (self.errors, self.agent_socket, self.qmp, *self.listeners.values()):
            if thing is not None:
                thing.close()
        shutil.rmtree(self.directory, ignore_errors=True)
