# SPDX-License-Identifier: GPL-2.0-only
"""How much memory a host has free, told so exactly that a leak shows."""

# What the kernel's own structures may keep after a guest's life, measured over many.
NOISE_KIB = 4 * 1024


def free_kib(host):
    """MemFree with caches dropped and per-CPU lists kept short: 6.12 lets them grow to tens of MiB that count as used."""
    host.check_run("echo 1000000 >/proc/sys/vm/percpu_pagelist_high_fraction; sync; echo 3 >/proc/sys/vm/drop_caches; "
                   "echo 1 >/proc/sys/vm/compact_memory; sleep 1")
    return int(host.check_run("awk '/^MemFree/{print $2}' /proc/meminfo"))


# Pinned pages cannot be moved out of a run's way; locked ones can. io_uring pins what is registered as its buffers.
FRAGMENT = """
import ctypes, mmap, os, sys, time
IO_URING_SETUP, IO_URING_REGISTER, IORING_REGISTER_BUFFERS = 425, 427, 0
libc = ctypes.CDLL(None, use_errno=True)
block, share = 2 << 20, float(sys.argv[1])
free = int([line.split()[1] for line in open("/proc/meminfo") if line.startswith("MemAvailable")][0]) << 10
count = int(free * share) // block
area = mmap.mmap(-1, (count + 1) * block, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)  # of a shared one nothing would be freed
area.madvise(mmap.MADV_HUGEPAGE)
start = -ctypes.addressof(ctypes.c_char.from_buffer(area)) % block
address = ctypes.addressof(ctypes.c_char.from_buffer(area)) + start
for offset in range(0, count * block, 4096):
    area[start + offset] = 1
kept = [word for number in range(1, count, 2) for word in (address + number * block, block)]
buffers = (ctypes.c_size_t * len(kept))(*kept)  # struct iovec each two
ring = libc.syscall(IO_URING_SETUP, 1, ctypes.create_string_buffer(120))
if ring < 0 or libc.syscall(IO_URING_REGISTER, ring, IORING_REGISTER_BUFFERS, buffers, len(kept) // 2):
    raise OSError(ctypes.get_errno(), "io_uring: " + os.strerror(ctypes.get_errno()))
for number in range(0, count, 2):
    area.madvise(mmap.MADV_DONTNEED, start + number * block, block)
print("fragmented", flush=True)
time.sleep(100000)
"""


def fragment(host, share):
    """Takes `share` of the available memory in 2 MiB blocks, pins every second one and gives back the others.
    Returns the Job that holds the others."""
    host.check_run("echo madvise >/sys/kernel/mm/transparent_hugepage/enabled; "
                   "echo always >/sys/kernel/mm/transparent_hugepage/defrag; "
                   "cat >/run/fragment.py", input=FRAGMENT.encode())
    job = host.start(f"exec python3 /run/fragment.py {share}")
    if not job.wait_for_output(lambda text: "fragmented" in text, 240):
        raise AssertionError(f"the host's memory could not be fragmented: {job.err}")
    return job
