# SPDX-License-Identifier: GPL-2.0-only
"""A guest in a Host, by the commands a user would type. All that tests and the demo know of coopctl's interface."""

import shlex

from .console import Console

CMDLINE = "root=/dev/vda rw console=hvc0"
IMAGE = "/scratch/guest.ext4"
KERNEL = "/share/kernel/vmlinux"
START_SECONDS = 180
STOP_SECONDS = 180


def missing(host):
    """Names what a guest needs and the host does not have."""
    needed = {"the module (hosts/linux)": host.module, "coopctl (tools/coopctl)": "/share/build/tools/coopctl/coopctl",
              "the guest kernel (guest-kernel)": KERNEL}
    return [name for name, path in needed.items() if host.run(f"test -e {shlex.quote(path)}").status]


def load_module(host):
    host.check_run('insmod "$module"')


def unload_module(host):
    host.check_run("rmmod coop")


class Guest:
    """One guest of `host`, started from an image on its scratch disk."""

    def __init__(self, host, name="demo", *, memory="512M", image=IMAGE, kernel=KERNEL, cmdline=CMDLINE):
        self.host = host
        self.name = name
        self.arguments = ["--memory", memory, "--kernel", kernel, "--cmdline", cmdline]
        if image:
            self.arguments += ["--disk", f"path={image}"]
        self.console_job = None

    def start(self):
        self.host.check_run(shlex.join(["coopctl", "start", *self.arguments, self.name]), timeout=START_SECONDS)

    def console(self):
        """Attaches; the Console starts with the scrollback."""
        console = Console(lambda data: self.console_job.write(data))
        self.console_job = self.host.start(f"coopctl console {self.name}", sink=lambda _, data: console.feed(data))
        return console

    def console_command(self):
        return f"coopctl console {self.name}"

    def stop(self):
        self.host.check_run(f"coopctl stop --timeout 120 {self.name}", timeout=STOP_SECONDS)

    def running(self):
        return self.name in self.host.check_run("coopctl list").split()
