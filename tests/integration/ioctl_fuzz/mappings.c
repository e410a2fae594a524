/* SPDX-License-Identifier: GPL-2.0-only */
/* Mappings of guest RAM: odd lengths, places and rights, touched, changed, pinned, and left behind. */
#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tally.h"
#include "tiny.h"

static _Thread_local sigjmp_buf landing;

static void on_fault(int signal) {
    siglongjmp(landing, signal);
}

void catch_faults(void) {
    struct sigaction action = {.sa_handler = on_fault};

    sigaction(SIGBUS, &action, NULL);
    sigaction(SIGSEGV, &action, NULL);
}

bool touch(volatile unsigned char* byte, bool write) {
    if (sigsetjmp(landing, 1))
        return false;
    unsigned char value = *byte;
    if (write)
        *byte = value;
    return true;
}

/* None of those that poison memory (MADV_HWPOISON, MADV_SOFT_OFFLINE). */
static const int advices[] = {
    MADV_NORMAL,   MADV_RANDOM,    MADV_SEQUENTIAL, MADV_WILLNEED,      MADV_DONTNEED,   MADV_REMOVE,
    MADV_DONTFORK, MADV_MERGEABLE, MADV_HUGEPAGE,   MADV_NOHUGEPAGE,    MADV_DONTDUMP,   MADV_DODUMP,
    MADV_FREE,     MADV_COLD,      MADV_PAGEOUT,    MADV_POPULATE_READ, MADV_WIPEONFORK, MADV_POPULATE_WRITE};

/* Unmaps, and keeps the addresses: another thread's mapping there would be taken for ours. */
static void vacate(void* at, size_t bytes) {
    if (bytes > 0 && mmap(at, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1,
                          0) == MAP_FAILED)
        complain("mmap of nothing", (uint64_t)errno);
}

/* The pages outlive the mapping in a pipe, and then the pipe goes too. */
static void pin(void* at, size_t bytes) {
    struct iovec vector = {at, bytes};
    int ends[2];

    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return;
    (void)!vmsplice(ends[1], &vector, 1, SPLICE_F_NONBLOCK);
    vacate(at, bytes);
    close(ends[0]);
    close(ends[1]);
}

/* Does one thing to a mapping; returns where it is now. write: its contents are nobody's. */
static void* change(struct worker* worker, void* at, size_t bytes, bool write) {
    struct dice* dice = &worker->dice;
    size_t part = (size_t)below(dice, bytes / PAGE + 1) * PAGE;
    void* moved = NULL;
    int rights = 0;

    switch (below(dice, 8)) {
    case 0:
        rights = (int)below(dice, 8);
        if (mprotect(at, part, rights) == 0 && part > 0 && (rights & PROT_EXEC))
            complain("mprotect made guest RAM executable", (uint64_t)rights);
        break;
    case 1:
        madvise(at, part, advices[below(dice, sizeof(advices) / sizeof(advices[0]))]);
        break;
    case 2: /* a longer one must be refused */
        moved = mremap(at, bytes, bytes + PAGE, MREMAP_MAYMOVE);
        if (moved != MAP_FAILED) {
            complain("mremap made a mapping longer", bytes);
            return moved;
        }
        break;
    case 3:
        moved = mremap(at, bytes, bytes, MREMAP_MAYMOVE | MREMAP_DONTUNMAP);
        if (moved != MAP_FAILED) {
            munmap(at, bytes);
            return moved;
        }
        break;
    case 4:
        (void)!(once_in(dice, 2) ? mlock(at, part) : msync(at, part, MS_SYNC));
        break;
    case 5:
        pin(at, bytes < 16 * PAGE ? bytes : 16 * PAGE);
        break;
    case 6: /* a request whose structure is guest RAM */
        if (write)
            ioctl(inert_handle(worker), COOP_REQUEST(STATS, struct coop_stats), at);
        break;
    case 7:
        vacate((char*)at + part, bytes - part);
        break;
    }
    return at;
}

void drop_kept_mapping(struct worker* worker) {
    if (worker->kept && !worker->child) /* a child does not have it */
        munmap(worker->kept, worker->kept_bytes);
    worker->kept = NULL;
}

static size_t random_length(struct dice* dice) {
    switch (below(dice, 8)) {
    case 0:
        return (size_t)edge(dice);
    case 1:
        return 1ull << (12 + below(dice, 36));
    default:
        return (size_t)(1 + below(dice, 2048)) * PAGE;
    }
}

void random_mapping(struct worker* worker) {
    struct dice* dice = &worker->dice;
    int handle = any_handle(worker);
    bool write = !is_runnable(handle); /* worker.h */
    size_t bytes = random_length(dice);
    int rights = once_in(dice, 4) ? (int)below(dice, 8) : PROT_READ | PROT_WRITE;
    int flags = once_in(dice, 8) ? MAP_PRIVATE : MAP_SHARED;
    uint64_t offset = once_in(dice, 4) ? edge(dice) & ~4095ull : below(dice, 4096) * PAGE;

    if (once_in(dice, 16))
        flags |= MAP_POPULATE;
    if (once_in(dice, 32))
        flags |= MAP_LOCKED;
    unsigned char* at = mmap(NULL, bytes, rights, flags, handle, (off_t)offset);
    tally(TALLY_MMAP, at == MAP_FAILED ? errno : 0);
    if (at == MAP_FAILED)
        return;
    if ((flags & MAP_PRIVATE) || (rights & PROT_EXEC))
        complain("mmap took a private or executable mapping", (uint64_t)flags);
    bytes = (bytes + PAGE - 1) & ~(size_t)(PAGE - 1);
    for (unsigned i = 0; i < 8; i++)
        touch(at + below(dice, bytes), write);
    at = change(worker, at, bytes, write);
    for (unsigned i = 0; i < 4; i++)
        touch(at + below(dice, bytes), write);
    if (once_in(dice, 4)) {
        drop_kept_mapping(worker);
        worker->kept = at;
        worker->kept_bytes = bytes;
    } else {
        munmap(at, bytes);
    }
}
