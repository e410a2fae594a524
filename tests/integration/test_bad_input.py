# SPDX-License-Identifier: GPL-2.0-only
# Timeout: 900
"""Mistakes of the user, through the real coopctl and the real driver: each is refused with the documented status, in
words that say what is wrong and what to do, and leaves nothing behind."""

import json
import unittest

from bad_input_cases import CASES_ANYWHERE, FAILED, FILES, GOOD, HOST, KERNEL, START, Case
from harness import Host
from harness.artifacts import Artifacts
from harness.emulator import CPU
from harness.memory import NOISE_KIB, free_kib

SERIES = "6.12"
TINY = "/share/build/tests/integration/tiny"
HOLD_LOCK = """python3 -c 'import fcntl, subprocess, sys
file = open("/tmp/disk", "r+b")
fcntl.lockf(file, fcntl.LOCK_EX)
sys.exit(subprocess.call(sys.argv[1:]))'"""
HOLD_PORT = """python3 -c 'import socket, subprocess, sys
server = socket.create_server(("127.0.0.1", 2222))
sys.exit(subprocess.call(sys.argv[1:]))'"""
NOBODY = "setpriv --reuid 65534 --regid 65534 --clear-groups"
OTHER_VERSION = f"LD_PRELOAD={TINY}/libcoop_other_version.so"
LINUX_FILES = """cd /tmp
head -c 3000000 /share/hostkernel/vmlinuz >bzimage
truncate -s 16M looped below
mkfs.ext4 -q looped
mkdir mounted
modprobe loop
mount -o loop looped mounted
ln looped linked
losetup /dev/loop1 below
losetup /dev/loop2 /dev/loop1"""

CASES = CASES_ANYWHERE + [Case(*row) for row in [
    ("a truncated bzImage", f"{START} --kernel /tmp/bzimage x", FAILED, ["but the file has 3000000", "copy it anew"]),
    ("a kernel without cooperative support", f"{START} --kernel /share/hostkernel/vmlinuz x", FAILED,
     ["not a cooperative guest", "built with this project's patches"]),
    ("a disk that can only be read", f"{GOOD} --disk path={KERNEL} x", FAILED,
     ["Read-only file system", "use it readonly"]),
    ("a disk that another process has", f"{HOLD_LOCK} {GOOD} --disk path=/tmp/disk x", FAILED,
     ["'/tmp/disk' is in use", "stop its user"]),
    ("a disk that the host has mounted", f"{GOOD} --disk path=/dev/vda x", FAILED,
     ["'/dev/vda' is in use by the host (mounted?)", "unmount it first"]),
    ("an image that the host has mounted", f"{GOOD} --disk path=/tmp/looped x", FAILED,
     ["'/tmp/looped' is in use by the host as /dev/loop0 (mounted?)", "losetup -d /dev/loop0", "readonly"]),
    ("another name of it", f"{GOOD} --disk path=/tmp/linked x", FAILED, ["'/tmp/linked' is in use by the host as /dev/loop0"]),
    ("a disk that the host has mounted, or may, as another", f"{GOOD} --disk path=/dev/loop1 x", FAILED,
     ["'/dev/loop1' is in use by the host as /dev/loop2"]),
    ("a port that another process has", f"{HOLD_PORT} {GOOD} --net user,forward=tcp:2222-22 x", FAILED,
     ["cannot forward tcp 127.0.0.1:2222: Address already in use", "a port that is free"]),
    ("an address that is not the host's", f"{GOOD} --net user,forward=tcp:192.0.2.1:2222-22 x", FAILED,
     ["cannot forward tcp 192.0.2.1:2222: Cannot assign requested address", "an address of this host"]),
    ("not root", f"{NOBODY} {GOOD} x", HOST, ["only root can start guests", "sudo"]),
    ("list when not root", f"mkdir -p -m 700 /run/coop; {NOBODY} coopctl list", HOST,
     ["cannot read /run/coop: Permission denied", "by sudo", "business of root"]),
    ("another control ABI", f"COOP_CONTROL_MAJOR=7 {OTHER_VERSION} {GOOD} x", HOST,
     ["ABI version mismatch: coopctl has control ABI 1.0", "driver has 7.0 and 1.0", "from the same build"]),
    ("another guest ABI", f"COOP_GUEST_MAJOR=7 {OTHER_VERSION} {GOOD} x", HOST,
     ["ABI version mismatch", "driver has 1.0 and 7.0", "from the same build"]),
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
            host.check_run(LINUX_FILES)
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
