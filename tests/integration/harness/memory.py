# SPDX-License-Identifier: GPL-2.0-only
"""How much memory a host has free, told so exactly that a leak shows."""

# What the kernel's own structures may keep after a guest's life, measured over many.
NOISE_KIB = 4 * 1024


def free_kib(host):
    """MemFree with caches dropped and per-CPU lists kept short: 6.12 lets them grow to tens of MiB that count as used."""
    host.check_run("echo 1000000 >/proc/sys/vm/percpu_pagelist_high_fraction; sync; echo 3 >/proc/sys/vm/drop_caches; "
                   "echo 1 >/proc/sys/vm/compact_memory; sleep 1")
    return int(host.check_run("awk '/^MemFree/{print $2}' /proc/meminfo"))


FRAGMENT = """
import ctypes, mmap, sys, time
libc = ctypes.CDLL(None, use_errno=True)
block, share = 2 << 20, float(sys.argv[1])
free = int([line.split()[1] for line in open("/proc/meminfo") if line.startswith("MemAvailable")][0]) << 10
size = int(free * share) // block * block
area = mmap.mmap(-1, size + block, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)  # of a shared one nothing would be freed
area.madvise(mmap.MADV_HUGEPAGE)
start = -ctypes.addressof(ctypes.c_char.from_buffer(area)) % block
address = ctypes.addressof(ctypes.c_char.from_buffer(area)) + start
for offset in range(0, size, 4096):
    area[start + offset] = 1
if libc.mlock(ctypes.c_void_p(address), ctypes.c_size_t(size)):
    raise OSError(ctypes.get_errno(), "mlock")
for offset in range(0, size, 2 * block):
    libc.munlock(ctypes.c_void_p(address + offset), ctypes.c_size_t(block))
    area.madvise(mmap.MADV_DONTNEED, start + offset, block)
print("fragmented", flush=True)
time.sleep(100000)
"""


def fragment(host, share):
    """Takes `share` of the available memory in locked 2 MiB blocks that may not move, and gives back every second one.
    Returns the Job that holds the others."""
    host.check_run("echo 0 >/proc/sys/vm/compact_unevictable_allowed; "
                   "echo madvise >/sys/kernel/mm/transparent_hugepage/enabled; "
                   "echo always >/sys/kernel/mm/transparent_hugepage/defrag; ulimit -l unlimited; "
                   "cat >/run/fragment.py", input=FRAGMENT.encode())
    job = host.start(f"exec python3 /run/fragment.py {share}")
    if not job.wait_for_output(lambda text: "fragmented" in text, 240):
        raise AssertionError(f"the host's memory could not be fragmented: {job.err}")
    return job
