/* SPDX-License-Identifier: GPL-2.0-only */
/* How often each request had which outcome, counted by all threads and their children; what must not be. */
#ifndef COOP_FUZZ_TALLY_H
#define COOP_FUZZ_TALLY_H

#include <stdint.h>

#include "coop/ioctl.h"

/* Beside the requests. */
enum { TALLY_UNKNOWN = COOP_REQUEST_COUNT, TALLY_MMAP, TALLY_ROWS };

/* Before the threads. */
void tally_create(void);
/* outcome: 0 or an errno value; one that no request documents is a complaint. Context: any thread, child. */
void tally(unsigned row, int outcome);
/* The first few are kept. Context: any thread or child. */
void complain(const char* what, uint64_t value);
/* Prints "REQUEST.outcome count" lines, then the complaints; returns how many there were. */
unsigned tally_print(void);

#endif
