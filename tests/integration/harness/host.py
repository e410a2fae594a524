# SPDX-License-Identifier: GPL-2.0-only
"""A Linux host in QEMU: boots a Debian kernel to the command agent, runs commands, checks the kernel's log."""

import itertools
import os
import pathlib
import shlex
import sys
import time

from . import artifacts, kernel_log
from .commands import Commands
from .emulator import CPU
from .jobs import Agent, AgentLost
from .machine import Machine

CONSOLE_TAIL = 120
BOOT_ATTEMPTS = 3
_numbers = itertools.count(1)


class HostFailure(AssertionError):
    """The host did not boot, reset, or its kernel's log tells of trouble."""


class Host(Commands):
    """Context manager. Leaving it ends the machine and raises HostFailure if the host's kernel was not well.

    kernel      "6.1" or "6.12"
    la57        five-level paging
    smp         number of CPUs
    memory_mib  memory of the machine in MiB
    cpu         QEMU's CPU model, to which la57=off is added as asked
    guest_kernel  share the guest kernel's directory as /share/kernel (builds it if need be)
    shares      more directories to share with the host, read-only: name under /share to path
    scratch     attach the disk with the guests' images, mounted on /scratch; what is written there ends with the host
    allow_log   regular expressions of log lines that are expected
    cmdline     more words for the kernel's command line
    qemu        more arguments for QEMU

    In the host: /share/build is the build tree, /share/tests is tests/integration, the module of the running kernel
    is `module`, coopctl is in PATH.
    """

    def __init__(self, kernel="6.12", *, la57=True, smp=2, memory_mib=2048, cpu=CPU, guest_kernel=False,
                 shares=None, scratch=True, allow_log=(), cmdline="", qemu=(), boot_timeout=300):
        self.artifacts = artifacts.Artifacts(kernel)
        self.allow_log = allow_log
        self.boot_timeout = boot_timeout
        shares = {"modules": self.artifacts.modules, "tests": artifacts.ROOT / "tests" / "integration",
                  "build": artifacts.BUILD, **(shares or {})}
        artifacts.BUILD.mkdir(parents=True, exist_ok=True)
        if guest_kernel and self.artifacts.guest_kernel:
            shares["kernel"] = self.artifacts.guest_kernel
        words = ["console=ttyS0,115200", "loglevel=8", "panic=-1", "random.trust_cpu=on", "sysrq_always_enabled=1",
                 "coop.shares=" + ",".join(shares), cmdline]
        self.options = {
            "kernel": self.artifacts.kernel, "initramfs": self.artifacts.initramfs, "cmdline": " ".join(words),
            "cpu": cpu if la57 else f"{cpu},la57=off", "smp": smp, "memory_mib": memory_mib,
            "disks": [self.artifacts.root_image] + ([self.artifacts.scratch_image] if scratch else []),
            "shares": shares, "console_log": self._new_log(), "extra": qemu}
        self.machine = self.agent = None

    @staticmethod
    def _new_log():
        artifacts.LOGS.mkdir(parents=True, exist_ok=True)
        name = f"{pathlib.Path(sys.argv[0]).stem or 'host'}-{os.getpid()}-{next(_numbers)}.console"
        return artifacts.LOGS / name

    @property
    def module(self):
        """Path in the host of the module built for its kernel."""
        return f"/share/build/hosts/linux/{self.artifacts.release}/coop.ko"

    def __enter__(self):
        # An emulated kernel now and then dies in its own early boot, before anything of ours runs: try again.
        for attempt in range(BOOT_ATTEMPTS):
            try:
                return self._boot()
            except HostFailure as failure:
                if attempt + 1 == BOOT_ATTEMPTS:
                    raise
                print(f"host: {failure}; booting it again", file=sys.stderr, flush=True)
        raise AssertionError("unreachable")

    def _boot(self):
        self.machine = Machine(**self.options)
        try:
            self.agent = Agent(self.machine.agent_socket)
            if not self.agent.wait_for(lambda: self.agent.ready, self.boot_timeout):
                raise HostFailure(f"the host did not reach its command agent within {self.boot_timeout} s")
        except BaseException as error:
            failure = self._failure(error)
            self._show_console()
            self.machine.close()
            raise failure from error
        return self

    def __exit__(self, kind, error, traceback):
        try:
            if error is None:
                self.check()
            else:
                failure = self._failure(error)
                self._show_console()
                if failure is not error:
                    raise failure from error
        finally:
            self.machine.close()

    def _failure(self, error):
        """A lost agent is but a symptom: says why the machine ended instead. Of a host that seems stuck, asks where."""
        if isinstance(error, (TimeoutError, HostFailure)) and self.machine.alive():
            self.machine.diagnose()
        if not isinstance(error, AgentLost):
            return error
        deadline = time.monotonic() + 5
        while self.machine.alive() and time.monotonic() < deadline:
            time.sleep(0.1)
        return HostFailure(self.machine.ending() or "the command agent in the host died")

    def _show_console(self):
        lines = self.kernel_log().splitlines()[-CONSOLE_TAIL:]
        print(f"--- end of the host's console ({self.machine.console_log}) ---", *lines, "---", sep="\n",
              file=sys.stderr, flush=True)

    def check(self):
        """Raises HostFailure if the host has ended or its log tells of trouble."""
        ending = self.machine.ending()
        lines = kernel_log.trouble(self.kernel_log(), self.allow_log)
        if ending or lines:
            self._show_console()
            raise HostFailure("\n".join(filter(None, [ending, *lines])))

    def kernel_log(self):
        return self.machine.console()

    def start(self, command, **options):
        """Starts a shell command and returns its Job at once; `tty`, `rows`, `columns`, `sink` as in Agent.start."""
        path = "/share/build/tools/coopctl:$PATH"
        return self.agent.start(f"PATH={path}; module={shlex.quote(self.module)}; {command}", **options)

    def qmp(self, command, **arguments):
        return self.machine.qmp.execute(command.replace("_", "-") if command != "qmp_capabilities" else command,
                                        **arguments)

    def hmp(self, line):
        """A command of QEMU's human monitor; returns its text."""
        return self.machine.qmp.hmp(line)
