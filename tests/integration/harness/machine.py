# SPDX-License-Identifier: GPL-2.0-only
"""A machine that boots a Linux kernel: the command line of its QEMU."""

import time

from .emulator import Emulator

SYSRQ_SECONDS = 3


class Machine(Emulator):
    """Disks are paths to raw images and are never written to. Shares map a 9p tag to a directory, read-only."""

    def __init__(self, *, kernel, initramfs, cmdline, cpu, smp, memory_mib, disks, shares, console_log, extra=()):
        arguments = ["-machine", "q35,accel=tcg", "-cpu", cpu, "-smp", str(smp), "-m", str(memory_mib),
                     "-kernel", str(kernel), "-initrd", str(initramfs), "-append", cmdline,
                     "-serial", "chardev:console",
                     "-device", "virtio-serial-pci",
                     "-device", "virtserialport,nr=1,chardev=agent,name=coop-agent",
                     "-object", "rng-random,id=rng,filename=/dev/urandom", "-device", "virtio-rng-pci,rng=rng"]
        for number, disk in enumerate(disks):
            arguments += ["-drive", f"if=none,id=disk{number},file={disk},format=raw,snapshot=on,cache=unsafe,"
                          "discard=unmap", "-device", f"virtio-blk-pci,drive=disk{number},addr={16 + number:#x}"]
        for tag, directory in shares.items():
            arguments += ["-fsdev", f"local,id={tag},path={directory},security_model=none,readonly=on,"
                          "multidevs=remap", "-device", f"virtio-9p-pci,fsdev={tag},mount_tag={tag}"]
        super().__init__([*arguments, *extra], console_log)

    def diagnose(self):
        """Has the kernel write its blocked tasks and what each CPU does to its console (sysrq w and l, by keyboard), and
        notes the CPUs' registers beside the console's log."""
        registers = self.qmp.hmp("info registers -a")
        self.console_log.with_suffix(".registers").write_text(registers, encoding="ascii")
        for letter in "wl":
            keys = [{"type": "qcode", "data": key} for key in ("alt", "sysrq", letter)]
            self.qmp.execute("send-key", keys=keys)
            time.sleep(SYSRQ_SECONDS)
