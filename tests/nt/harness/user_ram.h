/* SPDX-License-Identifier: GPL-2.0-only */
/* Guest RAM in user space, as the driver's MAP gives it. */
#ifndef COOP_NT_HARNESS_USER_RAM_H
#define COOP_NT_HARNESS_USER_RAM_H

#include <stdint.h>

struct nt_file;
struct user_ram;

/* For one file of the driver's. NULL: no memory. Owner: caller, user_ram_free. */
struct user_ram* user_ram_new(struct nt_file* file);
void user_ram_free(struct user_ram* ram);
/* Learns the extents, once there are any. Returns 0 or a negative errno value. Context: may sleep. */
int user_ram_learn(struct user_ram* ram);
/*
 * The frame behind an offset of coop_extent's map offsets, which the driver maps for the calling process if
 * it has not yet. Returns 0, or a negative errno value: not RAM, or the driver refuses. Context: may sleep.
 */
int user_ram_frame(struct user_ram* ram, uint64_t offset, uint64_t* frame);

#endif
