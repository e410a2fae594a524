/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A thread of the fuzzer, and the handles that all threads share.
 *
 * A guest that is started with a garbage entry runs garbage in ring 0 and may do anything, resetting the
 * machine included; that is no fault of the driver's. So the fuzzer never RUNs a guest that was STARTed with
 * anything but the known-good tiny program, nor touches that program. Two kinds of handle see to it, told by
 * their numbers, which stay what they are whatever another thread closes or opens meanwhile:
 *
 * - runnable: RUN by anyone; START and writes to its RAM only by the thread that made it, before others see
 *   it or by a private descriptor, and only with the tiny program
 * - inert: START with anything, RAM written at will; never RUN
 */
#ifndef COOP_FUZZ_WORKER_H
#define COOP_FUZZ_WORKER_H

#include "dice.h"

struct worker {
    struct dice dice;
    unsigned char* scratch; /* SCRATCH_BYTES writable, then a page without access, then one read-only */
    void* kept;             /* a mapping left in place until the next one, longer than its handle may live */
    size_t kept_bytes;
    bool child; /* of a fork */
};
enum { SCRATCH_BYTES = 64 << 10, PAGE = 4096 };

/* handles.c. Numbers of shared handles; each may be closed, or another file from one call to the next. */
int any_handle(struct worker* worker);
int runnable_handle(struct worker* worker);
int inert_handle(struct worker* worker);
bool is_runnable(int handle);
/* Puts a new file, with or without a guest, in the place of a shared handle; or only closes that. */
void renew_handle(struct worker* worker);
void close_handle(struct worker* worker);
void close_all_handles(void);

/* requests.c. One ioctl. */
void random_request(struct worker* worker);

/* guests.c. On a file of the caller's, or an inert handle. */
void nearly_create(struct worker* worker, int file);
void nearly_start(struct worker* worker, int file);

/* mappings.c. An mmap of a handle, and what can be done to a mapping. */
void random_mapping(struct worker* worker);
void drop_kept_mapping(struct worker* worker);
/* Once: a touch that the kernel refuses comes back as a value. */
void catch_faults(void);
/* False if the byte cannot be read (and written, as it is). */
bool touch(volatile unsigned char* byte, bool write);

#endif
