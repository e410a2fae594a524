# SPDX-License-Identifier: GPL-2.0-only
"""A Linux host in which coop_nt.ko stands for an NT kernel. Its tests may use those of tests/integration."""

import importlib.util
import pathlib
import re
import sys

INTEGRATION = pathlib.Path(__file__).resolve().parents[2] / "integration"
sys.path.append(str(INTEGRATION))
from harness import Host, HostFailure, artifacts  # noqa: E402  pylint: disable=wrong-import-position

DRIVERS = artifacts.BUILD.parent / "mingw"
COMPLAINT = re.compile(r"coop_nt: complaint: .*")
TAKEN = re.compile(r"coop_nt: taken: (.*); complaints (\d+)")


def integration(name):
    """A test of tests/integration, as a module, to be run on another host. Take its classes by name, or they run here too."""
    spec = importlib.util.spec_from_file_location(f"integration_{name}", INTEGRATION / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class NtHost(Host):
    """`insmod $module` loads coop.sys for `system`, "windows" or "reactos"; `image=PATH` another driver of /share/nt. What the
    double complains of is a failure, but for lines that allow_log names."""

    def __init__(self, system="windows", **options):
        if not (DRIVERS / "hosts" / system / "coop.sys").exists():
            raise RuntimeError(f"no coop.sys in {DRIVERS}; build it: tools/dev build --preset mingw")
        super().__init__(shares={"nt": DRIVERS / "hosts" / system}, scratch=options.pop("scratch", False), **options)

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

    def unload(self):
        """Unloads the driver; returns what it took of each kind, all of which it has given back."""
        self.check_run("rmmod $module")
        self.check()
        words = TAKEN.findall(self.log())[-1][0].split()
        return dict(zip(words[::2], map(int, words[1::2])))
