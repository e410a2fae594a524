# SPDX-License-Identifier: GPL-2.0-only
"""A ReactOS host in QEMU: boots a live CD to the command agent, runs commands, watches what its kernel says."""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

import media

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.append(str(ROOT / "tests" / "integration"))
from harness import HostFailure, artifacts, coop  # noqa: E402  pylint: disable=wrong-import-position
from harness.commands import Commands  # noqa: E402  pylint: disable=wrong-import-position
from harness.emulator import CPU, Emulator  # noqa: E402  pylint: disable=wrong-import-position
from harness.jobs import Agent  # noqa: E402  pylint: disable=wrong-import-position

MINGW = ROOT / "build" / "mingw"
PROGRAMS = {"agent.exe": "tests/nt/reactos/agent.exe", "contract.exe": "tests/nt/reactos/contract_test.exe",
            "contract.sys": "tests/nt/contract/coop_contract_reactos.sys", "coop.sys": "hosts/reactos/coop.sys",
            "coopctl.exe": "tools/coopctl/coopctl.exe"}
DISK_MIB = 2048
MEMORY_MIB = 1024
KEY_SECONDS = 120
BOOT_SECONDS = 600
# What a debug build's kernel says before it waits for somebody at its debugger, or of a failed assertion.
TROUBLE = re.compile(r"^.*(?:kdb:> |Assertion .* failed|\*\*\* Fatal System Error|Entered debugger).*$", re.M)
TAIL = 60


class ReactOsHost(Commands):
    """Context manager. C: has PROGRAMS, the guest kernel (vmlinux) and the guest's image (guest.ext4); commands are command lines
    and begin in C:. Leaving it ends the machine, and raises HostFailure if its kernel was not well."""

    def __init__(self, iso, log):
        self.iso, self.log = pathlib.Path(iso), pathlib.Path(log)
        self.directory = self.machine = self.agent = None

    def __enter__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="coop-reactos-"))
        try:
            self._boot()
        except BaseException:
            self._close()
            raise
        return self

    def _boot(self):
        images = artifacts.Artifacts("6.12")
        cd = media.live_cd(self.iso, self.directory, "C:\\agent.exe", "C:\\Data")
        disk = self.directory / "disk"
        media.fat_disk(disk, DISK_MIB, {**{name: MINGW / path for name, path in PROGRAMS.items()},
                                        "vmlinux": images.guest_kernel / "vmlinux", "guest.ext4": images.guest_image})
        self.machine = Emulator(
            ["-machine", "pc,accel=tcg", "-cpu", CPU, "-m", str(MEMORY_MIB), "-vga", "std", "-boot", "d", "-cdrom", cd,
             "-drive", f"file={disk},format=raw,if=ide,index=0,cache=unsafe", "-serial", "chardev:console", "-serial",
             "chardev:agent"], self.log)
        self._begin()
        self.agent = Agent(self.machine.agent_socket)
        if not self.agent.wait_for(lambda: self.agent.ready or self.trouble(), BOOT_SECONDS) or self.trouble():
            raise HostFailure(f"ReactOS did not reach the command agent within {BOOT_SECONDS} s; its kernel's words: {self.log}")

    def _begin(self):
        """The CD asks for a key, since there is a disk to boot from, and boots that if none comes in five seconds."""
        deadline = time.monotonic() + KEY_SECONDS
        while not self.kernel_log():
            if time.monotonic() > deadline:
                raise HostFailure(f"the CD's kernel said nothing on COM1 within {KEY_SECONDS} s: a debug build?")
            self.machine.qmp.execute("send-key", keys=[{"type": "qcode", "data": "spc"}])
            time.sleep(0.5)

    def __exit__(self, kind, error, traceback):
        try:
            if kind is None:
                self.check()
            else:
                print("--- the end of what ReactOS's kernel said", *self.kernel_log().splitlines()[-TAIL:], "---", sep="\n",
                      file=sys.stderr, flush=True)
        finally:
            self._close()

    def _close(self):
        if self.machine is not None:
            self.machine.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def kernel_log(self):
        return self.machine.console()

    def trouble(self):
        """The first line of the kernel's that tells of some, or an empty text."""
        found = TROUBLE.search(self.kernel_log())
        return found[0].strip() if found else ""

    def check(self):
        trouble = self.machine.ending() or self.trouble()
        if trouble:
            raise HostFailure(trouble)

    def start(self, command, **options):
        """Starts a command line and returns its Job at once."""
        return self.agent.start(command, **options)


class Guest(coop.Guest):
    """A guest of a ReactOsHost, whose command line has other quotes than a shell's."""

    def __init__(self, host, **options):
        super().__init__(host, image="C:\\guest.ext4", kernel="C:\\vmlinux", **options)

    def start_command(self):
        return subprocess.list2cmdline(["coopctl", "start", *self.arguments, self.name])
