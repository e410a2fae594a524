# SPDX-License-Identifier: GPL-2.0-only
"""A Linux host in which coop_nt.ko stands for an NT kernel. Its tests may use those of tests/integration."""

import importlib.util
import pathlib
import re
import sys

INTEGRATION = pathlib.Path(__file__).resolve().parents[2] / "integration"
sys.path.append(str(INTEGRATION))
from harness import Host, HostFailure, artifacts  # noqa: E402  pylint: disable=wrong-import-position

NT_BUILD = artifacts.BUILD.parent / "mingw"
COMPLAINT = re.compile(r"coop_nt: complaint: .*")
TAKEN = re.compile(r"coop_nt: taken: (.*); complaints (\d+)")


def integration(name):
    """A test of tests/integration, as a module, to be run on another host. Take its classes by name, or they run here too."""
    spec = importlib.util.spec_from_file_location(f"integration_{name}", INTEGRATION / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class NtHost(Host):
    """`insmod $module` loads coop.sys out of `drivers`, a directory of the build for NT, which is /share/nt; `image=PATH` another
    driver from there. What the double complains of is a failure, but for lines that allow_log names."""

    def __init__(self, drivers="hosts/windows", *, scratch=False, **options):
        directory = NT_BUILD / drivers
        if not list(directory.glob("*.sys")):
            raise RuntimeError(f"no driver in {directory}; build it: tools/dev build --preset mingw")
        super().__init__(shares={"nt": directory, "harness": pathlib.Path(__file__).parent}, scratch=scratch, **options)

    @property
    def module(self):
        return f"/share/build/tests/nt/harness/{self.artifacts.release}/coop_nt.ko"

    def check(self):
        super().check()
        complaints = [line for line in COMPLAINT.findall(self.kernel_log())
                      if not any(re.search(expression, line) for expression in self.allow_log)]
        if complaints:
            raise HostFailure("\n".join(complaints))

    def log(self):
        """What the double and its driver have said so far."""
        return self.check_run("dmesg | sed -n 's/.*coop_nt: /coop_nt: /p'")

    def start_control(self, code, given, output_bytes):
        """Begins to send a control code (device_io_control.py); returns the Job."""
        return self.start(f"exec python3 /share/harness/device_io_control.py {code:#x} '{given}' {output_bytes}")

    @staticmethod
    def finish_control(job, timeout=60):
        """Returns the NTSTATUS and the output."""
        result = job.wait(timeout)
        if result.status:
            raise AssertionError(f"device_io_control.py ended with status {result.status}: {result.err}")
        words = result.out.split() + [""]
        return int(words[0], 0), bytes.fromhex(words[2])

    def control(self, code, given, output_bytes):
        return self.finish_control(self.start_control(code, given, output_bytes))

    def tell(self, event):
        """The driver hears that the machine is about to sleep, wakes, or shuts down."""
        self.check_run(f"echo {event} >/sys/module/coop_nt/parameters/event")

    def unload(self):
        """Unloads the driver; returns what it took of each kind, all of which it has given back."""
        self.check_run("rmmod $module")
        self.check()
        words = TAKEN.findall(self.log())[-1][0].split()
        return dict(zip(words[::2], map(int, words[1::2])))
