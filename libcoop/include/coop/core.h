/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The core's interface for a host shim. The shim opens, closes, maps and copies; the core does the rest. All
 * functions take kernel pointers to structures of coop/ioctl.h that the shim has copied in and will copy out;
 * the core never touches user memory. Return: 0 or a negative COOP_E* value, unless said otherwise. Context:
 * may sleep, unless said otherwise.
 */
#ifndef COOP_CORE_H
#define COOP_CORE_H

#include "coop/host.h"
#include "coop/ioctl.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Once at load, on any CPU; fails with -COOP_E_NOT_SUPPORTED where guests can never run. tsc_khz: the host's
 * measured TSC rate. */
struct coop_core_config {
    uint64_t tsc_khz;
    uint64_t features; /* the COOP_HOST_* bits that only the host knows: TSC_STABLE, NMI_KICK, MELTDOWN, VBS,
                          ENCRYPTED */
    uint32_t cpus;     /* CPU numbers are below this */
    uint64_t stuck_limit_ns; /* a guest with interrupts off for longer is ended */
};
int coop_core_load(const struct coop_core_config* config);
/* Once at unload; no guest may be left. */
void coop_core_unload(void);

/* A guest behind an open handle. create copies what it needs. Owner: caller, coop_guest_destroy once no other
 * call is under way. */
struct coop_guest;
int coop_guest_create(const struct coop_create* request, struct coop_guest** guest);
void coop_guest_destroy(struct coop_guest* guest);

int coop_core_host_info(struct coop_host_info* info);
/* Copies extent number index; -COOP_E_INVALID past the last. Returns 0. */
int coop_guest_extent(struct coop_guest* guest, uint32_t index, struct coop_extent* extent);
/* The host-physical frame behind a map offset, a multiple of 4096; -COOP_E_INVALID: not guest RAM. */
int coop_guest_frame(struct coop_guest* guest, uint64_t map_offset, uint64_t* phys);
int coop_guest_start(struct coop_guest* guest, const struct coop_start* request);
/* Returns 0 when the guest has ended (request filled), -COOP_E_INTERRUPTED when the thread must return to
 * user space first. */
int coop_guest_run(struct coop_guest* guest, struct coop_run* request);
/* The core takes the notifier over on success (NULL removes one). queue and device as in struct
 * coop_notifier_request. */
int coop_guest_set_notifier(struct coop_guest* guest, uint32_t device, uint32_t queue,
                            struct coop_host_notifier* notifier);
int coop_guest_interrupt(struct coop_guest* guest, uint32_t device);
int coop_guest_stats(struct coop_guest* guest, struct coop_stats* stats);
/* Copies up to capacity bytes of the guest's log into buffer; *position and the count as in struct coop_log.
 * Returns the count. */
int coop_guest_log(struct coop_guest* guest, uint64_t* position, void* buffer, uint32_t capacity);
int coop_guest_event(struct coop_guest* guest, uint64_t bits);
/* The guest leaves soon; RUN returns. -COOP_E_INVALID: reason is not COOP_END_KILLED, the only one that is
 * the host's to give. Context: any. */
int coop_guest_end(struct coop_guest* guest, uint32_t reason);
/* Called by the shim about every 100 ms from a timer or thread while guests run: finds vCPUs that keep
 * interrupts off. Context: any. */
void coop_core_watchdog(void);

#ifdef __cplusplus
}
#endif
#endif
