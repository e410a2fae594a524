# SPDX-License-Identifier: GPL-2.0-only
"""The emulated machines that boot the metal image: each runs it once and returns what came over the serial line."""

import contextlib
import pathlib
import pty
import os
import shutil
import subprocess
import tempfile
import threading

IMAGE = "coop_metal"
PASSED = 0x10 << 1 | 1  # isa-debug-exit


class Qemu:
    """options: QEMU arguments beyond the usual ones."""

    def __init__(self, cpu="max,la57=off", cpus=2, options=()):
        self.cpus = cpus
        self.arguments = ["qemu-system-x86_64", "-accel", "tcg", "-cpu", cpu, "-smp", str(cpus), "-m", "256M", "-display", "none",
                          "-nodefaults", "-no-reboot", "-serial", "stdio", "-device", "isa-debug-exit,iobase=0xf4,iosize=4", *options]

    def run(self, build, words, seconds):
        done = subprocess.run([*self.arguments, "-kernel", build / IMAGE, "-append", " ".join([f"cpus={self.cpus}", *words])], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds, check=False)
        text = done.stdout.decode(errors="replace")
        return text if done.returncode == PASSED else f"{text}\n# QEMU ended with status {done.returncode}\n"


# No acceleration of the clock, no panic dialogue; IPS only sets how fast emulated time goes by.
BOCHSRC = """
cpu: model={model}, count={cpus}, ips=100000000, reset_on_triple_fault=0, ignore_bad_msrs=0
memory: guest=128, host=128
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/vgabios/vgabios.bin
display_library: term
ata0: enabled=1
ata0-master: type=cdrom, path={iso}, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev={serial}
sound: driver=dummy
log: {log}
panic: action=fatal
error: action=report
info: action=ignore
debug: action=ignore
{more}"""
# From one XCHG BX,BX to the next, each instruction with the registers before it, and each access to memory.
RECORDING = "recording"
RECORD = f"""
magic_break: enabled=1
debugger_log: {RECORDING}
"""
RECORD_COMMANDS = "c\ntrace on\ntrace-reg on\ntrace-mem on\nc\ntrace off\ntrace-reg off\ntrace-mem off\n"
GRUB = """
serial --unit=0
terminal_input serial
terminal_output serial
set timeout=0
multiboot2 /image {words}
boot
"""


class Bochs:
    """Bochs boots through its BIOS, so GRUB loads the image from a CD made here. recorded: into file RECORDING in the current directory."""

    def __init__(self, model="corei7_haswell_4770", cpus=1, recorded=False):
        self.model, self.cpus, self.recorded = model, cpus, recorded

    def run(self, build, words, seconds):
        with tempfile.TemporaryDirectory(prefix="coop-metal-") as folder:
            place = pathlib.Path(folder)
            tree = place / "cd"
            (tree / "boot/grub").mkdir(parents=True)
            shutil.copy(build / IMAGE, tree / "image")
            subprocess.run(["objcopy", "--strip-debug", tree / "image"], check=True)
            (tree / "boot/grub/grub.cfg").write_text(GRUB.format(words=" ".join(["bochs=1", f"cpus={self.cpus}", *words])), encoding="ascii")
            subprocess.run(["grub-mkrescue", "-o", place / "cd.iso", tree, "--install-modules=multiboot2 serial iso9660 biosdisk",
                            "--fonts=", "--locales=", "--themes="], check=True, capture_output=True)
            (place / "commands").write_text((RECORD_COMMANDS if self.recorded else "") + "c\nq\n", encoding="ascii")  # Debian's Bochs has its debugger built in
            (place / "bochsrc").write_text(BOCHSRC.format(model=self.model, cpus=self.cpus, iso=place / "cd.iso",
                                                          serial=place / "serial", log=place / "log", more=RECORD if self.recorded else ""), encoding="ascii")
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.start(place, seconds)  # one that is cut short has no plan in its report
            text = (place / "serial").read_text(encoding="utf-8", errors="replace")
            errors = [line for line in (place / "log").read_text(errors="replace").splitlines() if ">>PANIC<<" in line and "shutdown requested" not in line]
            return "\n".join([text, *(f"# {line}" for line in errors)])

    @staticmethod
    def start(place, seconds):
        # Its text display wants a terminal, which nobody looks at.
        master, slave = pty.openpty()

        def drain():
            with contextlib.suppress(OSError):
                while os.read(master, 65536):
                    pass

        reader = threading.Thread(target=drain, daemon=True)
        reader.start()
        try:
            subprocess.run(["bochs", "-q", "-f", place / "bochsrc", "-rc", place / "commands"], stdin=slave, stdout=slave, stderr=slave, timeout=seconds,
                           env={**os.environ, "TERM": "xterm"}, check=False)
        finally:
            os.close(slave)
            reader.join(5)
            os.close(master)


MACHINES = {
    "qemu": Qemu(),
    "one_cpu": Qemu(cpus=1),
    "la57": Qemu(cpu="max,la57=on"),
    "old": Qemu(cpu="qemu64"),
    # One instruction a nanosecond, exactly; and a log of all interrupts, in the current directory.
    "icount": Qemu(cpus=1, options=["-icount", "shift=0,sleep=off", "-d", "int", "-D", "interrupts.log"]),
    "bochs": Bochs(),
    "bochs_two": Bochs(cpus=2),
    # VMX, PCIDs, CET; two CPUs for NMIs in the middle.
    "bochs_features": Bochs("tigerlake", cpus=2),
    "recorded": Bochs(recorded=True),
}

# CPU models: what TCG does not know of one it leaves out, and says so. Not here: Opteron_G4 and G5, with which this QEMU hangs when the
# boot code writes CR4. Feature by feature, the newest less something.
for model in ("Conroe", "Nehalem", "SandyBridge", "Haswell", "Skylake-Server", "Icelake-Server", "Snowridge", "KnightsMill",
              "Opteron_G1", "phenom", "EPYC", "EPYC-Milan", "kvm64"):
    MACHINES[model] = Qemu(cpu=model, cpus=1)
for feature, options in {"smep_smap": "smep=off,smap=off", "fsgsbase": "fsgsbase=off", "pku": "pku=off", "xsaveopt": "xsaveopt=off",
                         "xsavec": "xsavec=off,xsaves=off", "avx": "avx=off,avx2=off", "xsave": "xsave=off"}.items():
    MACHINES[f"no_{feature}"] = Qemu(cpu=f"max,la57=off,{options}", cpus=1)
for model in ("core2_penryn_t9600", "corei5_lynnfield_750", "corei7_sandy_bridge_2600k", "broadwell_ult", "corei7_skylake_x",
              "corei7_icelake_u", "tigerlake", "athlon64_clawhammer", "phenom_8650_toliman", "ryzen"):
    MACHINES[f"bochs_{model}"] = Bochs(model)
