/* SPDX-License-Identifier: GPL-2.0-only */
/* The structures of all requests, and sending one. */
#ifndef COOP_FUZZ_PAYLOAD_H
#define COOP_FUZZ_PAYLOAD_H

#include "coop/ioctl.h"
#include "worker.h"

union payload {
    struct coop_version version;
    struct coop_host_info host;
    struct coop_create create;
    struct coop_extents extents;
    struct coop_start start;
    struct coop_run run;
    struct coop_notifier_request notifier;
    struct coop_interrupt interrupt;
    struct coop_stats stats;
    struct coop_log log;
    struct coop_event event;
    struct coop_end end;
    uint64_t words[32];
};

/* Right, mostly. */
void fill_create(struct dice* dice, struct coop_create* create);
/* Sends *payload from an address that is right, or not. */
void send_from(struct worker* worker, int handle, unsigned number, const union payload* payload);

#endif
