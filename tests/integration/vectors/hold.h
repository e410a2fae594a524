/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef COOP_TEST_HOLD_H
#define COOP_TEST_HOLD_H

/* What happens while the registers hold their values. */
#define HOLD_SPIN 0  /* nothing: only interrupts can come between */
#define HOLD_CALL 1  /* system calls */
#define HOLD_YIELD 2 /* system calls that let other threads run */
#define HOLD_FAULT 3 /* page faults: `count` pages from `pages` on are written to */
#define HOLD_KINDS 4

#ifndef __ASSEMBLER__
#include <stdint.h>
/* Loads all vector registers from `image`, lets `count` of `kind` happen, stores them to `found`; nothing
 * else touches them. */
void hold(const void* image, void* found, uint64_t components, int kind, uint64_t count, void* pages);
#endif
#endif
