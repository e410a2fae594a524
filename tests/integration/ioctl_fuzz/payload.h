/* SPDX-License-Identifier: GPL-2.0-only */
/* Filling the structure of a request, and sending it. */
#ifndef COOP_FUZZ_PAYLOAD_H
#define COOP_FUZZ_PAYLOAD_H

#include "coop/ioctl.h"
#include "worker.h"

enum { NAMES = 24 }; /* of guests: few enough that some meet */

/* Right, mostly. */
void fill_create(struct dice* dice, struct coop_create* create);
void set_word(union coop_payload* payload, size_t index, uint64_t value);
/* Sends *payload from an address that is right, or not. */
void send_from(struct worker* worker, int handle, unsigned number, const union coop_payload* payload);

#endif
