/* SPDX-License-Identifier: GPL-2.0-only */
/* The shared handles: fixed descriptor numbers, far above those that open() gives out. */
#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "payload.h"
#include "tally.h"
#include "tiny.h"

enum { EACH = 4, FIRST_RUNNABLE = 100, FIRST_INERT = 200 };

int runnable_handle(struct worker* worker) {
    return FIRST_RUNNABLE + (int)below(&worker->dice, EACH);
}

int inert_handle(struct worker* worker) {
    return FIRST_INERT + (int)below(&worker->dice, EACH);
}

int any_handle(struct worker* worker) {
    return once_in(&worker->dice, 2) ? runnable_handle(worker) : inert_handle(worker);
}

bool is_runnable(int handle) {
    return handle < FIRST_INERT;
}

/* Replaces what is there, in the middle of what others do with it. */
static void publish(int file, int handle) {
    if (dup2(file, handle) < 0)
        complain("dup2", (uint64_t)errno);
}

static void start_tiny(int file, const struct tiny* tiny) {
    struct coop_start start = tiny->start;

    tally(COOP_REQUEST_START, ioctl(file, COOP_REQUEST(START, start), &start) ? errno : 0);
}

/* Doorbells, events or an exception: all that the tiny guest does but staying in for ever. */
static void make_runnable(struct worker* worker, int file) {
    static const unsigned modes[] = {TINY_DOORBELLS, TINY_EVENTS, TINY_EVENTS, TINY_FAULT};
    unsigned mode = modes[below(&worker->dice, 4)];
    uint64_t count = 1 + below(&worker->dice, mode == TINY_EVENTS ? 20 : 2000);
    int handle = runnable_handle(worker);
    char name[COOP_NAME_BYTES];
    const char* what = NULL;
    struct tiny tiny;

    snprintf(name, sizeof(name), "fuzz-%u", (unsigned)below(&worker->dice, NAMES));
    uint32_t devices = (uint32_t)below(&worker->dice, COOP_MAX_DEVICES + 1);
    if (tiny_make(file, name, mode, count, 0, devices, &tiny, &what) < 0) {
        /* A file that was opened for reading cannot be mapped for writing. */
        tally(strcmp(what, "mmap") == 0 ? TALLY_MMAP : COOP_REQUEST_CREATE, errno);
        return;
    }
    tally(COOP_REQUEST_CREATE, 0);
    switch (below(&worker->dice, 4)) {
    case 0: /* never started */
        publish(file, handle);
        break;
    case 1: /* while others try to run it already */
        publish(file, handle);
        start_tiny(file, &tiny);
        break;
    default:
        start_tiny(file, &tiny);
        publish(file, handle);
    }
    tiny_unmap(&tiny);
}

static void make_inert(struct worker* worker, int file) {
    if (!once_in(&worker->dice, 4))
        nearly_create(worker, file);
    if (once_in(&worker->dice, 2))
        nearly_start(worker, file);
    publish(file, inert_handle(worker));
}

void renew_handle(struct worker* worker) {
    int file = open("/dev/coop", (once_in(&worker->dice, 8) ? O_RDONLY : O_RDWR) | O_CLOEXEC);

    if (file < 0) {
        complain("open", (uint64_t)errno);
        return;
    }
    if (once_in(&worker->dice, 2))
        make_runnable(worker, file);
    else
        make_inert(worker, file);
    close(file);
}

void close_handle(struct worker* worker) {
    close(any_handle(worker));
}

void close_all_handles(void) {
    for (int i = 0; i < EACH; i++) {
        close(FIRST_RUNNABLE + i);
        close(FIRST_INERT + i);
    }
}
