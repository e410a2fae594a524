# SPDX-License-Identifier: GPL-2.0-only
"""Mistakes that a user can make on any host: the command, its exit status, what the message says. test_bad_input.py makes
them with the real driver in a Linux host, tests/nt/bad_input_test.py with coopctl.exe, Wine and a fake driver; it has its
own KERNEL and /tmp.
"""

import collections

KERNEL = "/share/build/tests/integration/tiny/coop_tiny_kernel"
START = "coopctl start --wait 0"
GOOD = f"{START} --memory 64M --kernel {KERNEL}"
CONFIG = f"{START} --config /tmp/bad.toml"
FAILED, USAGE, NO_GUEST, HOST = 1, 2, 3, 6  # docs/coopctl.md

FILES = f"""cd /tmp
head -c 40 {KERNEL} >header
head -c 4100 {KERNEL} >short
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
truncate -s 100M large"""

Case = collections.namedtuple("Case", "what command status says")
CASES_ANYWHERE = [Case(*row) for row in [
    # --- kernel
    ("no such kernel", f"{START} --kernel /tmp/none x", FAILED, ["/tmp/none: no such file", "check the path"]),
    ("a directory", f"{START} --kernel /tmp x", FAILED, ["/tmp: not a regular file"]),
    ("an empty kernel", f"{START} --kernel /tmp/empty x", FAILED, ["neither an ELF file nor a bzImage"]),
    ("not a kernel", f"{START} --kernel /tmp/text x", FAILED, ["neither an ELF file nor a bzImage", "give a vmlinux"]),
    ("half an ELF header", f"{START} --kernel /tmp/header x", FAILED, ["ends within the ELF header", "copy it anew"]),
    ("a truncated vmlinux", f"{START} --kernel /tmp/short x", FAILED, ["is not all in the file", "copy it anew"]),
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
    ("an empty disk", f"{GOOD} --disk path=/tmp/empty x", FAILED, ["has 0 bytes", "raw image"]),
    ("a disk not in sectors", f"{GOOD} --disk path=/tmp/odd x", FAILED, ["has 1000 bytes", "multiple of 512"]),
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
    # --- guests that are not there
    *[(f"{command} of no guest", f"coopctl {command} x", NO_GUEST, ["no guest named 'x'", "coopctl list"])
      for command in ("stop", "kill", "status", "console", "stats")],
]]
