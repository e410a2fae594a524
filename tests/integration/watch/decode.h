/* SPDX-License-Identifier: GPL-2.0-only */
/* Which x86-64 instructions could concern hardware. Opcodes: SDM volume 2, appendix A; AMD's: APM volume 3,
 * appendix A. */
#ifndef COOP_WATCH_DECODE_H
#define COOP_WATCH_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report.h"

/* The name of an instruction that is to be watched, or NULL. `port` becomes the port that stands in it, or
 * WATCH_UNKNOWN. */
const char* watch_decode(const uint8_t* code, size_t size, uint32_t* port);

/*
 * Follows %ecx through the instructions of a block, which are given in their order, to tell which MSR is
 * meant: `ecx` is its value before, and becomes that after. WATCH_UNKNOWN whenever there is any doubt.
 */
void watch_follow_ecx(const uint8_t* code, size_t size, uint32_t* ecx);

bool watch_is_iretq(const uint8_t* code, size_t size);

#endif
