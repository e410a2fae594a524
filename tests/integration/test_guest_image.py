# SPDX-License-Identifier: GPL-2.0-only
# Timeout: 600
"""The guest's root image by itself: under Debian's own kernel, alone in QEMU, it reaches multi-user without a failed
unit, root logs in on the virtio console, and it shuts down cleanly. What fails here is not the cooperative kernel's fault.
"""

import os
import pathlib
import socket
import tempfile
import threading
import time
import unittest

from harness import Artifacts, Console, Machine
from harness.emulator import CPU


class GuestImage(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="coop-")
        self.addCleanup(directory.cleanup)
        self.path = pathlib.Path(directory.name)

    def boot(self):
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind(str(self.path / "hvc"))
        listener.listen(1)
        artifacts = Artifacts("6.12")
        machine = Machine(
            kernel=artifacts.kernel, initramfs=artifacts.initramfs,
            cmdline="console=ttyS0 console=hvc0 coop.init=/sbin/init panic=-1", cpu=CPU, smp=2, memory_mib=512,
            disks=[artifacts.guest_image], shares={}, console_log=self.path / "console",
            extra=["-chardev", f"socket,id=hvc,path={self.path}/hvc", "-device", "virtconsole,chardev=hvc"])
        self.addCleanup(machine.close)
        connection = listener.accept()[0]
        self.addCleanup(connection.close)
        console = Console(connection.sendall)

        def read():
            try:
                while data := connection.recv(65536):
                    console.feed(data)
            except OSError:
                pass  # closed by the end of the test

        threading.Thread(target=read, daemon=True).start()
        return machine, console

    def test_boots_and_shuts_down(self):
        machine, console = self.boot()
        console.login()
        self.assertEqual(console.run("systemctl is-system-running --wait", 120), (0, "running\n"))
        self.assertEqual(console.run("systemctl --failed --no-legend --plain"), (0, ""))
        self.assertEqual(console.run("hostname; readlink /proc/self/fd/1; exit 3"), (3, "guest\n/dev/hvc0\n"))
        status, sources = console.run("dpkg --verify; dpkg --audit; cat /etc/debian_version")
        self.assertEqual(status, 0)
        self.assertRegex(sources, r"^(.* c /etc/.*\n)*12\.\d+\n$", "a package's file was changed")
        long_text = os.urandom(4000).hex()
        self.assertEqual(console.run(f"echo {long_text}"), (0, long_text + "\n"))
        console.send("systemctl poweroff\n")
        deadline = time.monotonic() + 120
        while machine.alive() and time.monotonic() < deadline:
            time.sleep(0.5)
        self.assertEqual(machine.ending(), "the machine was shut down (guest-shutdown)")


if __name__ == "__main__":
    unittest.main(verbosity=2)
