/* SPDX-License-Identifier: GPL-2.0-only */
/* The tally lives in memory shared with forked children; see tally.h. */
#include "tally.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { OUTCOMES = 134, KEPT = 16 };

struct complaint {
    char what[64];
    uint64_t value;
};

static struct {
    atomic_ulong counts[TALLY_ROWS][OUTCOMES];
    atomic_uint complaints;
    struct complaint kept[KEPT];
} * shared;

static const char* const names[TALLY_ROWS] = {
    [COOP_REQUEST_VERSION] = "VERSION",   [COOP_REQUEST_HOST] = "HOST",
    [COOP_REQUEST_CREATE] = "CREATE",     [COOP_REQUEST_EXTENTS] = "EXTENTS",
    [COOP_REQUEST_START] = "START",       [COOP_REQUEST_RUN] = "RUN",
    [COOP_REQUEST_NOTIFIER] = "NOTIFIER", [COOP_REQUEST_INTERRUPT] = "INTERRUPT",
    [COOP_REQUEST_STATS] = "STATS",       [COOP_REQUEST_LOG] = "LOG",
    [COOP_REQUEST_EVENT] = "EVENT",       [COOP_REQUEST_END] = "END",
    [TALLY_UNKNOWN] = "unknown",          [TALLY_MMAP] = "mmap",
};

/* coop/ioctl.h and hosts/linux/requests.c; EBADF: the slot was closed, or no eventfd's number was given. */
static bool documented(unsigned row, int outcome) {
    switch (outcome) {
    case 0:
    case EBADF:
    case EFAULT:
    case EINVAL:
    case ENOTTY:
    case ENXIO:
    case ENOMEM:
        return true;
    case EINTR:
        return row == COOP_REQUEST_CREATE || row == COOP_REQUEST_RUN;
    case EBUSY:
        return row == COOP_REQUEST_CREATE || row == COOP_REQUEST_START || row == COOP_REQUEST_RUN ||
               row == COOP_REQUEST_NOTIFIER;
    case EEXIST:
    case E2BIG:
    case EOPNOTSUPP:
        return row == COOP_REQUEST_CREATE;
    case EACCES: /* mmap of a file that was opened otherwise */
    case EAGAIN: /* MAP_LOCKED */
    case EOVERFLOW:
    case EPERM:
    case ENODEV:
        return row == TALLY_MMAP;
    default:
        return false;
    }
}

void tally_create(void) {
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        perror("mmap");
        exit(2);
    }
}

void tally(unsigned row, int outcome) {
    if (outcome < 0 || outcome >= OUTCOMES)
        outcome = OUTCOMES - 1;
    atomic_fetch_add(&shared->counts[row][outcome], 1);
    if (!documented(row, outcome))
        complain(names[row], (uint64_t)outcome);
}

void complain(const char* what, uint64_t value) {
    unsigned number = atomic_fetch_add(&shared->complaints, 1);

    if (number < KEPT) {
        strncpy(shared->kept[number].what, what, sizeof(shared->kept[number].what) - 1);
        shared->kept[number].value = value;
    }
}

unsigned tally_print(void) {
    unsigned complaints = atomic_load(&shared->complaints);

    for (unsigned row = 0; row < TALLY_ROWS; row++)
        for (int outcome = 0; outcome < OUTCOMES; outcome++) {
            unsigned long count = atomic_load(&shared->counts[row][outcome]);
            if (count)
                printf("%s.%s %lu\n", names[row], outcome ? strerrorname_np(outcome) : "ok", count);
        }
    for (unsigned i = 0; i < complaints && i < KEPT; i++)
        printf("complaint: %s %#llx\n", shared->kept[i].what, (unsigned long long)shared->kept[i].value);
    return complaints;
}
