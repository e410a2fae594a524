# SPDX-License-Identifier: GPL-2.0-only
"""A guest in a Host, by the commands a user would type. All that tests and the demo know of coopctl's interface."""

import json
import shlex
import time

from .console import Console

CMDLINE = "root=/dev/vda rw console=hvc0"
IMAGE = "/scratch/guest.ext4"
KERNEL = "/share/kernel/vmlinux"
START_SECONDS = 300
STOP_SECONDS = 400


def missing(host):
    """Names what a guest needs and the host does not have."""
    needed = {"the module (hosts/linux)": host.module, "coopctl (tools/coopctl)": "/share/build/tools/coopctl/coopctl",
              "the guest kernel (guest-kernel)": KERNEL}
    return [name for name, path in needed.items() if host.run(f"test -e {shlex.quote(path)}").status]


def load_module(host):
    host.check_run('insmod "$module"')


def unload_module(host):
    host.check_run('rmmod "$module"')


def check_inside(test, console):
    """What holds in every healthy guest, asserted on behalf of `test`."""
    _, state = console.run("systemctl is-system-running --wait; systemctl --failed --no-legend", timeout=600)
    test.assertEqual(state.strip(), "running")
    test.assertEqual(console.run("cat /sys/devices/system/clocksource/clocksource0/current_clocksource"), (0, "tsc\n"))
    for name in ("spectre_v1", "spectre_v2"):  # the mitigations that every CPU can have
        told = console.run(f"cat /sys/devices/system/cpu/vulnerabilities/{name}")[1]
        test.assertRegex(told, "^(Mitigation:|Not affected)")
    test.assertEqual(console.run("dmesg | grep -E 'WARNING:|BUG:|Call Trace|rcu.* stall|lockup'"), (1, ""))


def write_data(test, console, timeout=300):
    """Writes random data to the guest's disk, and reads it back from there; asserted on behalf of `test`."""
    test.assertEqual(console.run("head -c 3000000 /dev/urandom >/root/data && md5sum </root/data >/root/sum && sync && "
                                 "echo 3 >/proc/sys/vm/drop_caches && md5sum </root/data | cmp - /root/sum",
                                 timeout=timeout), (0, ""))


def check_data(test, console):
    """What write_data() has written, in this life of the guest or an earlier one, is there."""
    test.assertEqual(console.run("md5sum </root/data | cmp - /root/sum"), (0, ""))


class Guest:
    """One guest of `host`, started from an image on its scratch disk, if any. `options`: more words for `coopctl start`."""

    def __init__(self, host, name="demo", *, memory="512M", image=IMAGE, kernel=KERNEL, cmdline=CMDLINE, options=()):
        self.host = host
        self.name = name
        self.arguments = ["--memory", memory, "--kernel", kernel, "--cmdline", cmdline]
        if image:
            self.arguments += ["--disk", f"path={image}"]
        self.arguments += options
        self.console_job = None

    def start_command(self):
        return shlex.join(["coopctl", "start", *self.arguments, self.name])

    def start(self):
        self.host.check_run(self.start_command(), timeout=START_SECONDS)

    def console(self):
        """Attaches; the Console starts with the scrollback."""
        console = Console(lambda data: self.console_job.write(data))
        self.console_job = self.host.start(self.console_command(), sink=lambda _, data: console.feed(data))
        return console

    def login(self):
        """Attaches and logs in."""
        console = self.console()
        console.login()
        return console

    def console_command(self):
        return f"coopctl console {self.name}"

    def stop(self):
        self.host.check_run(f"coopctl stop --timeout 300 {self.name}", timeout=STOP_SECONDS)

    def kill(self):
        self.host.check_run(f"coopctl kill {self.name}")

    def kill_process(self):
        """kill -9, and wait until it is gone."""
        self.host.check_run(f"pid={self.status()['pid']}; kill -9 $pid; while kill -0 $pid 2>/dev/null; do sleep 0.1; done")

    def running(self):
        return self.name in self.host.check_run("coopctl list").split()

    def wait_for_end(self, seconds):
        deadline = time.monotonic() + seconds
        while self.running():
            if time.monotonic() > deadline:
                raise AssertionError(f"guest {self.name} did not end within {seconds} s")
            time.sleep(1)

    def status(self):
        return json.loads(self.host.check_run(f"coopctl status --json {self.name}"))

    def stats(self):
        return json.loads(self.host.check_run(f"coopctl stats --json {self.name}"))

    def end_reason(self):
        return self.status()["end"]["reason"]
