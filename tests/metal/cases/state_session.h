/* SPDX-License-Identifier: GPL-2.0-only */
/* The state test's guest and the host's registers, by rounds, for the cases that switch with all registers at
 * random. One at a time. */
#ifndef METAL_STATE_SESSION_H
#define METAL_STATE_SESSION_H

#include "../state/state.h"
#include "case.h"

/* The guest is started; signals are pending, so that it comes back after each stay. Owner: caller,
 * metal_state_end. */
struct metal_guest metal_state_begin(uint64_t seed);
struct state_report* metal_state_report(const struct metal_guest* guest);
/* Leaves these bits of the host's CR4 alone. */
void metal_state_keep_cr4(uint64_t bits);
/* The page-table roots that the host changes between. */
void metal_state_roots(uint64_t roots[STATE_VARIANTS]);
/*
 * Fills the host's registers, runs the guest once, verifies. before and after are called with the registers
 * filled and must leave them alone (interrupts off before, on after). False once something differs or the
 * guest has ended; it is then told.
 */
bool metal_state_round(struct metal_guest* guest, void (*before)(void*), void* argument,
                       void (*after)(void*));
/* The same with any guest; false only if a register of the host's differs. */
bool metal_state_stay(struct metal_guest* guest, void (*before)(void*), void* argument, void (*after)(void*));
/* Checks that the guest has found no difference, and puts the host's registers back. */
void metal_state_end(struct metal_guest* guest);

#endif
