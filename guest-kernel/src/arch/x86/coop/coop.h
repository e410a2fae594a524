/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Internals of the cooperative guest: the shared area, the doorbell and the pieces that coop_early_setup() installs.
 */
#ifndef _COOP_H
#define _COOP_H

#include <linux/init.h>
#include <linux/linkage.h>
#include <asm/coop.h>
#include <asm/coop-abi.h>
#include <asm/page.h>

/* Gate by which the guest delivers a pending event to itself. Exceptions end at 0x1f, so hardware never raises it. */
#define COOP_UPCALL_VECTOR 0x1f

extern const struct coop_shared *coop_shared;

static __always_inline struct coop_vcpu_page *coop_vcpu(unsigned int vcpu)
{
	return (void *)coop_shared + coop_shared->vcpu_offset + (unsigned long)vcpu * PAGE_SIZE;
}

static __always_inline struct coop_device_page *coop_device(unsigned int device)
{
	return (void *)coop_shared + coop_shared->device_offset + (unsigned long)device * PAGE_SIZE;
}

static __always_inline unsigned long coop_passage_data(unsigned int vcpu)
{
	return COOP_PASSAGE_VA + COOP_PASSAGE_VCPU_STRIDE * (vcpu + 1ul);
}

/* Any context but NMI; the host may run for any time before it returns. 0 or a negative errno. */
long coop_doorbell(u64 reason, u64 arg0, u64 arg1, u64 arg2);
/* Does not return, but is not declared so: objtool keeps a list of such functions outside this directory. */
void coop_end(u64 how);

void coop_clear_features(void);
void coop_setup_interrupts(void);
void coop_setup_time(void);
void coop_setup_console(void);
void coop_setup_power(void);
void coop_setup_smp(void);

void coop_start_clockevent(void);
void coop_timer_interrupt(void);
void coop_enable_upcalls(void);
void coop_handle_events(void);
void coop_virtio_interrupt(unsigned int device);
void coop_ipi_events(u64 events);

void coop_map_passage_for_user(void);

void coop_safe_halt(void);
void coop_halt(void);

/* Called by assembly. */
asmlinkage void coop_start_kernel(char *real_mode_data);
asmlinkage void coop_yield(void);
void coop_secondary_startup(void);
void coop_start_secondary(void *unused);

#endif
