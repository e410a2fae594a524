# SPDX-License-Identifier: GPL-2.0-only
# Timeout: 900
"""Mistakes of the user, through the real coopctl and the real driver: each is refused with the documented status, in
words that say what is wrong and what to do, and leaves nothing behind."""

import collections
import json
import unittest

from harness import Host
from harness.artifacts import Artifacts
from harness.machine import CPU
from harness.memory import NOISE_KIB, free_kib

SERIES = "6.12"
TINY = "/share/build/tests/integration/tiny"
KERNEL = f"{TINY}/coop_tiny_kernel"
OTHER_VERSION = f"LD_PRELOAD={TINY}/libcoop_other_version.so"
START = "coopctl start --wait 0"
GOOD = f"{START} --memory 64M --kernel {KERNEL}"
CONFIG = f"{START} --config /tmp/bad.toml"
NOBODY = "setpriv --reuid 65534 --regid 65534 --clear-groups"
HOLD_LOCK = """python3 -c 'import fcntl, subprocess, sys
file = open("/tmp/disk", "r+b")
fcntl.lockf(file, fcntl.LOCK_EX)
sys.exit(subprocess.call(sys.argv[1:]))'"""
HOLD_PORT = """python3 -c 'import socket, subprocess, sys
server = socket.create_server(("127.0.0.1", 2222))
sys.exit(subprocess.call(sys.argv[1:]))'"""
FAILED, USAGE, NO_GUEST, HOST = 1, 2, 3, 6  # docs/coopctl.md

FILES = f"""cd /tmp
head -c 40 {KERNEL} >header
head -c 4100 {KERNEL} >short
head -c 3000000 /share/hostkernel/vmlinuz >bzimage
echo 'not a kernel' >text
: >empty
python3 - <<'END'
import pathlib, struct
kernel = pathlib.Path("{KERNEL}").read_bytes()
at = kernel.index(b"Coop\\0") + 8  # the contents of the note
pathlib.Path("newer").write_bytes(kernel[:at] + struct.pack("<I", 2) + kernel[at + 4:])
END
truncate -s 1M disk held
truncate -s 1000 odd
truncate -s 30M initrd
truncate -s 100M large
truncate -s 16M looped below
mkfs.ext4 -q looped
mkdir mounted
modprobe loop
mount -o loop looped mounted
ln looped linked
losetup /dev/loop1 below
losetup /dev/loop2 /dev/loop1"""

Case = collections.namedtuple("Case", "what command status says")
CASES = [Case(*row) for row in [
    # --- kernel
    ("no such kernel", f"{START} --kernel /tmp/none x", FAILED, ["/tmp/none: no such file", "check the path"]),
    ("a directory", f"{START} --kernel /tmp x", FAILED, ["/tmp: not a regular file"]),
    ("an empty kernel", f"{START} --kernel /tmp/empty x", FAILED, ["neither an ELF file nor a bzImage"]),
    ("not a kernel", f"{START} --kernel /tmp/text x", FAILED, ["neither an ELF file nor a bzImage", "give a vmlinux"]),
    ("half an ELF header", f"{START} --kernel /tmp/header x", FAILED, ["ends within the ELF header", "copy it anew"]),
    ("a truncated vmlinux", f"{START} --kernel /tmp/short x", FAILED, ["is not all in the file", "copy it anew"]),
    ("a truncated bzImage", f"{START} --kernel /tmp/bzimage x", FAILED, ["but the file has 3000000", "copy it anew"]),
    ("a kernel without cooperative support", f"{START} --kernel /share/hostkernel/vmlinuz x", FAILED,
     ["not a cooperative guest", "built with this project's patches"]),
    ("a kernel of another guest ABI", f"{START} --kernel /tmp/newer x", FAILED,
     ["speaks guest ABI 2.0, this program speaks 1.0", "versions that belong together"]),
    # --- memory and initrd
    ("less than the least memory", f"{START} --memory 16M --kernel {KERNEL} x", USAGE,
     ["too little memory: 16 MiB", "32 MiB or more"]),
    ("memory without a unit", f"{START} --memory 512 --kernel {KERNEL} x", USAGE,
     ["too little memory: 512 B", "counts bytes"]),
    ("memory that is no size", f"{START} --memory much --kernel {KERNEL} x", USAGE, ["'much': not a number"]),
    ("memory not in 2 MiB", f"{START} --memory 65M --kernel {KERNEL} x", USAGE, ["multiple of 2 MiB", "66M"]),
    ("more than any guest can have", f"{START} --memory 128T --kernel {KERNEL} x", USAGE,
     ["128 TiB", "at most 64 TiB"]),
    ("the least memory, too little for the kernel", f"{START} --memory 32M --kernel {KERNEL} x", FAILED,
     ["32 MiB of RAM is too little: kernel 18 MiB", "at least 36 MiB"]),
    ("more memory than the host has", f"{START} --memory 64G --kernel {KERNEL} x", FAILED,
     ["the host cannot give 64 GiB", "can be had now", "give the guest less with --memory"]),
    ("no such initrd", f"{GOOD} --initrd /tmp/none x", FAILED, ["initrd /tmp/none: no such file"]),
    ("an initrd larger than memory", f"{GOOD} --initrd /tmp/large x", FAILED,
     ["it has 100 MiB, more than the 64 MiB possible", "more memory"]),
    ("an initrd that leaves too little", f"{GOOD} --initrd /tmp/initrd x", FAILED,
     ["64 MiB of RAM is too little", "initrd twice 30 MiB", "at least 96 MiB"]),
    # --- disks
    ("no such disk", f"{GOOD} --disk path=/tmp/none x", FAILED, ["'/tmp/none'", "No such file", "none is created"]),
    ("a directory as disk", f"{GOOD} --disk path=/tmp x", FAILED, ["'/tmp'", "Is a directory"]),
    ("a directory as read-only disk", f"{GOOD} --disk path=/tmp,readonly x", FAILED, ["neither a regular file"]),
    ("a disk that can only be read", f"{GOOD} --disk path={KERNEL} x", FAILED,
     ["Read-only file system", "use it readonly"]),
    ("an empty disk", f"{GOOD} --disk path=/tmp/empty x", FAILED, ["has 0 bytes", "raw image"]),
    ("a disk not in sectors", f"{GOOD} --disk path=/tmp/odd x", FAILED, ["has 1000 bytes", "multiple of 512"]),
    ("a disk that another process has", f"{HOLD_LOCK} {GOOD} --disk path=/tmp/disk x", FAILED,
     ["'/tmp/disk' is in use", "stop its user"]),
    ("a disk that the host has mounted", f"{GOOD} --disk path=/dev/vda x", FAILED,
     ["'/dev/vda' is in use by the host (mounted?)", "unmount it first"]),
    ("an image that the host has mounted", f"{GOOD} --disk path=/tmp/looped x", FAILED,
     ["'/tmp/looped' is in use by the host as /dev/loop0 (mounted?)", "losetup -d /dev/loop0", "readonly"]),
    ("another name of it", f"{GOOD} --disk path=/tmp/linked x", FAILED, ["'/tmp/linked' is in use by the host as /dev/loop0"]),
    ("a disk that the host has mounted, or may, as another", f"{GOOD} --disk path=/dev/loop1 x", FAILED,
     ["'/dev/loop1' is in use by the host as /dev/loop2"]),
    ("one disk twice", f"{GOOD} --disk path=/tmp/disk --disk path=/tmp/disk x", FAILED, ["'/tmp/disk' is in use"]),
    ("a disk's unknown option", f"{GOOD} --disk path=/tmp/disk,fast x", USAGE, ["'fast' is not understood"]),
    # --- networks
    ("a network of unknown type", f"{GOOD} --net tap x", USAGE, ["unknown type of network 'tap'", "write none, or user"]),
    ("none beside another network", f"{GOOD} --net user --net none x", USAGE, ["there are others beside it", "none alone"]),
    ("a network's unknown option", f"{GOOD} --net user,fast x", USAGE, ["'fast' is not understood", "write user[,mac=MAC]"]),
    ("a MAC address that is none", f"{GOOD} --net user,mac=52:54:00:12:34 x", USAGE,
     ["bad MAC address '52:54:00:12:34'", "six bytes"]),
    ("a MAC address of a group", f"{GOOD} --net user,mac=01:00:5e:00:00:01 x", USAGE, ["not one of a single card", "even"]),
    ("one MAC address twice", f"{GOOD} --net user,mac=52:54:00:00:00:01 --net user,mac=52:54:00:00:00:01 x", USAGE,
     ["two networks have the MAC address 52:54:00:00:00:01", "one of its own"]),
    ("a forward of no protocol", f"{GOOD} --net user,forward=2222-22 x", USAGE,
     ["neither tcp: nor udp:", "tcp:127.0.0.1:2222-22"]),
    ("a forward of no port", f"{GOOD} --net user,forward=tcp:ssh-22 x", USAGE, ["'ssh' is not a port", "1 to 65535"]),
    ("a forward from a name", f"{GOOD} --net user,forward=tcp:localhost:2222-22 x", USAGE,
     ["'localhost' is not an IPv4 address", "tcp:127.0.0.1:2222-22"]),
    ("one port forwarded twice", f"{GOOD} --net user,forward=tcp:2222-22,forward=tcp:0.0.0.0:2222-23 x", USAGE,
     ["same port of the host: tcp:127.0.0.1:2222-22 and tcp:0.0.0.0:2222-23", "of its own"]),
    ("a port that another process has", f"{HOLD_PORT} {GOOD} --net user,forward=tcp:2222-22 x", FAILED,
     ["cannot forward tcp 127.0.0.1:2222: Address already in use", "a port that is free"]),
    ("an address that is not the host's", f"{GOOD} --net user,forward=tcp:192.0.2.1:2222-22 x", FAILED,
     ["cannot forward tcp 192.0.2.1:2222: Cannot assign requested address", "an address of this host"]),
    # --- the command line and the configuration file
    ("no command", "coopctl", USAGE, None),
    ("unknown command", "coopctl begin x", USAGE, ["unknown command 'begin'", "coopctl --help"]),
    ("unknown option", f"{GOOD} --colour x", USAGE, ["--colour", "coopctl start --help"]),
    ("no name", GOOD, USAGE, ["the guest has no name", "give NAME"]),
    ("two names", f"{GOOD} x y", USAGE, ["too many positional options", "coopctl start --help"]),
    ("a name with a slash", f"{GOOD} ../x", USAGE, ["bad guest name '../x'", "A-Z"]),
    ("no kernel", f"{START} x", USAGE, ["no kernel given", "--kernel PATH"]),
    ("no vCPU", f"{GOOD} --vcpus 0 x", USAGE, ["bad number of vCPUs: 0", "1 to 64"]),
    ("more vCPUs than the driver runs", f"{GOOD} --vcpus 2 x", FAILED, ["2 vCPUs", "--vcpus 1"]),
    ("a wait below zero", f"coopctl start --wait -1 --kernel {KERNEL} x", USAGE,
     ["bad number of seconds: '-1'", "0 to 86400"]),
    ("a timeout beyond a day", "coopctl stop --timeout 99999999 x", USAGE,
     ["bad number of seconds: '99999999'", "0 to 86400"]),
    ("no such configuration", f"{START} --config /tmp/none", USAGE, ["/tmp/none: No such file", "--config"]),
    ("configuration: syntax", rf"printf 'vcpus = 1\n\nmemory = = 1\n' >/tmp/bad.toml; {CONFIG} x", USAGE,
     ["/tmp/bad.toml:3: ", "TOML"]),
    ("configuration: unknown key", rf"printf 'vcpus = 1\ncolour = 1\n' >/tmp/bad.toml; {CONFIG} x", USAGE,
     ["/tmp/bad.toml:2: unknown key 'colour'", "known keys"]),
    ("configuration: bad value", rf"printf '\n\n\nmemory = 64\n' >/tmp/bad.toml; {CONFIG} x", USAGE,
     ["/tmp/bad.toml:4: bad value for 'memory'", "with the quotes"]),
    ("configuration: duplicate", rf"printf 'vcpus = 1\nvcpus = 1\n' >/tmp/bad.toml; {CONFIG} x", USAGE,
     ["/tmp/bad.toml:2: ", "TOML"]),
    ("configuration: bad disk", rf"printf '[[disk]]\nreadonly = true\nspeed = 1\n' >/tmp/bad.toml; {CONFIG} x", USAGE,
     ["/tmp/bad.toml:3: unknown key 'speed' of a disk", "known keys"]),
    ("configuration: bad network", rf"printf '[[net]]\nrestrict = true\nspeed = 1\n' >/tmp/bad.toml; {CONFIG} x", USAGE,
     ["/tmp/bad.toml:3: unknown key 'speed' of a network", "known keys"]),
    # --- rights and versions
    ("not root", f"{NOBODY} {GOOD} x", HOST, ["only root can start guests", "sudo"]),
    ("list when not root", f"mkdir -p -m 700 /run/coop; {NOBODY} coopctl list", HOST,
     ["cannot read /run/coop: Permission denied", "as root"]),
    ("another control ABI", f"COOP_CONTROL_MAJOR=7 {OTHER_VERSION} {GOOD} x", HOST,
     ["ABI version mismatch: coopctl has control ABI 1.0", "driver has 7.0 and 1.0", "from the same build"]),
    ("another guest ABI", f"COOP_GUEST_MAJOR=7 {OTHER_VERSION} {GOOD} x", HOST,
     ["ABI version mismatch", "driver has 1.0 and 7.0", "from the same build"]),
    # --- guests that are not there
    *[(f"{command} of no guest", f"coopctl {command} x", NO_GUEST, ["no guest named 'x'", "coopctl list"])
      for command in ("stop", "kill", "status", "console", "stats")],
]]
WHILE_A_GUEST_RUNS = [Case(*row) for row in [
    ("a name that is in use", f"{GOOD} holder", FAILED,
     ["a guest named 'holder' runs already (process ", "coopctl stop holder"]),
    ("a name that is in use in another directory", f"{GOOD} --runtime-dir /tmp/run holder", FAILED,
     ["a guest named 'holder' runs already", "coopctl list"]),
    ("a disk that a guest has", f"{GOOD} --disk path=/tmp/held x", FAILED, ["'/tmp/held' is in use", "its own image"]),
    ("a disk that a guest has, to read", f"{GOOD} --disk path=/tmp/held,readonly x", FAILED,
     ["'/tmp/held' is in use for writing"]),
]]
NO_MODULE = ["/dev/coop does not exist: the coop module is not loaded", "insmod build/release/hosts/linux/$(uname -r)/coop.ko"]
WITHOUT_MODULE = [Case("module not loaded", f"{GOOD} x", HOST, NO_MODULE)]

# What a row may not change, but for a log of x: processes, users of the module, files. Few programs, since each takes
# its time under emulation. A guest's process reports its failure before it is gone.
STATE = """processes=$(pgrep -fc '^coopctl ')
for i in 1 2 3 4 5; do [ $processes -le {processes} ] || {{ sleep 0.3; processes=$(pgrep -fc '^coopctl '); }}; done
users=none; [ ! -e /sys/module/coop ] || read users </sys/module/coop/refcnt
files=; for file in /run/coop/* /run/coop/.[!.]*; do
    case $file in *'*'* | /run/coop/x.log) ;; *) files="$files $file" ;; esac
done
echo $processes, $users, $files"""

WRONG_LAYOUT = """python3 - <<'END'
import errno, fcntl, os
device = os.open("/dev/coop", os.O_RDWR)
def answer(number, size, kind=0xC0):
    try:
        fcntl.ioctl(device, 3 << 30 | size << 16 | kind << 8 | number, bytearray(size))
    except OSError as error:
        return errno.errorcode[error.errno]
    return "ok"
VERSION, HOST, CREATE = (0, 80), (1, 48), (2, 112)
print(answer(*VERSION), answer(*HOST), answer(*CREATE),  # an empty name
      answer(HOST[0], 40), answer(CREATE[0], 120), answer(12, 8), answer(*HOST, kind=0xC1))
END"""


class BadInput(unittest.TestCase):
    def state(self, host, processes=0):
        return host.run(STATE.format(processes=processes)).out

    def verdicts(self, host):
        checks = json.loads(host.run("coopctl doctor --json").out)["checks"]
        return {check["id"]: check["verdict"] for check in checks}

    def check_cases(self, host, cases, processes=0):
        before = self.state(host, processes)
        for case in cases:
            result = host.run(f"{case.command}; echo $?; {STATE.format(processes=processes)}")
            status, after = result.out.split("\n", 1)
            self.assertEqual(after, before, f"{case.what}: something is left behind")
            with self.subTest(case.what):
                self.assertEqual(int(status), case.status, result.err)
                if case.says is not None:
                    what, advice = result.err.splitlines()  # two lines, docs/coopctl.md
                    self.assertTrue(what.startswith("coopctl: ") and advice.startswith("  "), result.err)
                    for words in case.says:
                        self.assertIn(words, result.err)

    def check_while_a_guest_runs(self, host):
        host.check_run(f"{GOOD} --disk path=/tmp/held --disk path=/tmp/looped,readonly holder")  # as one can
        self.check_cases(host, WHILE_A_GUEST_RUNS, processes=1)
        refused = host.run("rmmod coop")
        self.assertEqual((refused.status, "in use" in refused.err), (1, True))
        status = json.loads(host.check_run("coopctl status --json holder"))
        self.assertEqual(status["state"], "starting")
        self.check_mapping(host, status["pid"])
        self.assertIn("powered off", host.check_run("coopctl stop holder"))

    def check_mapping(self, host, process):
        """RAM is one mapping of the guest's process, which neither its children nor a core dump get."""
        flags = host.check_run(f"sed -n '/ \\/dev\\/coop$/,/^VmFlags/s/^VmFlags: //p' /proc/{process}/smaps").splitlines()
        self.assertEqual(len(flags), 1)
        self.assertLessEqual({"sh", "dc", "dd"}, set(flags[0].split()))

    def check_driver(self, host):
        """It holds nothing, and refuses structures of another layout."""
        self.assertEqual(host.check_run(WRONG_LAYOUT).split(), ["ok", "ok", "EINVAL", "EINVAL", "EINVAL", "ENOTTY",
                                                                "ENOTTY"])
        checks = json.loads(host.check_run("coopctl doctor --json"))["checks"]
        self.assertEqual([check["value"].split(",")[0] for check in checks if check["id"] == "guests"], ["0 running"])
        for command in ("doctor", "version"):
            told = host.run(f"COOP_CONTROL_MAJOR=7 {OTHER_VERSION} coopctl {command}")
            self.assertEqual(told.status, HOST if command == "doctor" else 0)
            self.assertIn("7.0", told.out)

    def test_each(self):
        shares = {"hostkernel": Artifacts(SERIES).kernel.parent}
        with Host(SERIES, smp=2, memory_mib=1024, scratch=False, shares=shares) as host:
            host.check_run(FILES)
            self.check_cases(host, WITHOUT_MODULE)
            free = free_kib(host)
            host.check_run("insmod $module")
            self.check_cases(host, CASES)
            self.assertEqual(host.check_run("coopctl list --json; coopctl list --all --json").split(), ["[]", "[]"])
            self.check_while_a_guest_runs(host)
            self.check_driver(host)
            self.assertEqual(host.check_run("ls -A /run/coop").split(), ["holder.last", "holder.log", "x.log"])
            host.check_run("rmmod coop")
            self.assertLess(free - free_kib(host), NOISE_KIB)

    def test_host_without_nx(self):
        """A host that cannot run guests says so, and lives."""
        with Host(SERIES, cpu=f"{CPU},nx=off", memory_mib=1024, scratch=False) as host:
            host.check_run("insmod $module")
            told = host.run(f"{GOOD} x")
            self.assertEqual((told.status, told.out), (HOST, ""))
            self.assertIn("does not use no-execute pages", told.err)
            verdicts = self.verdicts(host)
            self.assertEqual({check for check in verdicts if verdicts[check] == "PROBLEM"}, {"nx", "refusal"})
            host.check_run("rmmod coop")

    def test_host_locked_down(self):
        """Lockdown that comes after the module closes its device; it cannot be lifted again."""
        with Host(SERIES, memory_mib=1024, scratch=False) as host:
            host.check_run("insmod $module")
            self.assertEqual(self.verdicts(host)["lockdown"], "unknown")  # no securityfs
            host.check_run("mount -t securityfs none /sys/kernel/security; echo integrity >/sys/kernel/security/lockdown")
            self.check_cases(host, [Case("a host that is locked down", f"{GOOD} x", HOST,
                                         ["not even root may open /dev/coop: the kernel is locked down", "boot without lockdown="])])
            self.assertEqual(self.verdicts(host)["lockdown"], "PROBLEM")
            host.check_run("rmmod coop")
            self.assertIn("Operation not permitted", host.run("insmod $module").err)
            self.assertIn("unsigned module loading is restricted", host.kernel_log())


if __name__ == "__main__":
    unittest.main(verbosity=2)
