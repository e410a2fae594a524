/* SPDX-License-Identifier: GPL-2.0-only */
/* For the cases that bring something to each instruction of the passage: how it must reach the host's
 * handler, and guests that take the ways on which they end. */
#ifndef METAL_ARRIVAL_H
#define METAL_ARRIVAL_H

#include "state_session.h"

/* Whether the host's world is whole in its handler: its own stack of that IST (0: any), its address space,
 * and its code interrupted. Context: after metal_state_begin(). */
bool metal_arrived_whole(const struct metal_frame* frame, unsigned ist);

/* Guests that cannot be entered again, or not leave: what is broken is found inside the passage. */
struct metal_ending {
    struct metal_guest (*make)(void);
    uint64_t count, argument; /* its parameters */
    uint64_t detail;          /* it ends with COOP_END_BAD_STATE and this */
    unsigned stays;           /* before the last one */
};
enum { METAL_ENDINGS = 4 };
extern const struct metal_ending metal_endings[METAL_ENDINGS];
/* A guest that ends at its next stay. Owner: caller, metal_guest_end. Context: a signal is pending. */
struct metal_guest metal_ending_begin(const struct metal_ending* ending);
/* Checks that it has ended so. */
void metal_ending_end(const struct metal_ending* ending, struct metal_guest* guest);

#endif
