/* SPDX-License-Identifier: GPL-2.0-only */
/* What a driver has mapped by MDLs. */
#ifndef COOP_NT_HARNESS_MAPPING_H
#define COOP_NT_HARNESS_MAPPING_H

#include <stdbool.h>
#include <stdint.h>

#include "nt.h"

/* The frame's address behind an address that was given out for that process; false: nothing is mapped there.
 * Context: may sleep. */
bool mapping_frame(const void* process, uint64_t address, uint64_t* frame);
bool mapping_exists(const struct nt_mdl* mdl);

/* Called whenever a process loses a mapping. Set once, before a driver is loaded. */
extern void (*mapping_lost)(void);

#endif
