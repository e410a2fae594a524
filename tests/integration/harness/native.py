# SPDX-License-Identifier: GPL-2.0-only
"""The guest kernel on its own in QEMU, for comparison: a machine with virtio devices and nothing else, its console is hvc0.

The machine has nothing to measure the TSC's frequency by, so the kernel is told it, as a guest is told its host's. QEMU
appends the devices to the command line; words for the first process must therefore not follow a "--".
"""

import socket
import subprocess
import threading

from .console import Console
from .emulator import QEMU
from .qmp import Qmp


class Native:
    """Context manager; `console` is a Console, `qmp` a Qmp. Leaving it ends the machine."""

    def __init__(self, *, kernel, initramfs, cmdline, cpu, memory_mib, tsc_khz, extra=()):
        self.arguments = [*QEMU, "-machine", "microvm,accel=tcg,acpi=off", "-cpu", cpu, "-smp", "1", "-m", str(memory_mib),
                          "-kernel", str(kernel), "-initrd", str(initramfs),
                          "-append", f"tsc_early_khz={tsc_khz} tsc=reliable {cmdline}",
                          "-chardev", "stdio,id=console,signal=off", "-device", "virtio-serial-device",
                          "-device", "virtconsole,chardev=console", *extra]
        self.process = self.console = self.reader = self.qmp = None

    def __enter__(self):
        ours, theirs = socket.socketpair()
        monitor = ["-chardev", f"socket,id=qmp,fd={theirs.fileno()}", "-qmp", "chardev:qmp"]
        with theirs:
            self.process = subprocess.Popen(  # pylint: disable=consider-using-with
                [*self.arguments, *monitor], pass_fds=(theirs.fileno(),),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0)
        self.qmp = Qmp(ours)
        self.console = Console(self.process.stdin.write)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        return self

    def _read(self):
        while data := self.process.stdout.read(65536):
            self.console.feed(data)

    def __exit__(self, kind, error, traceback):
        self.process.kill()
        self.process.wait()
        self.qmp.close()
        self.reader.join()
        self.process.stdin.close()
        self.process.stdout.close()
