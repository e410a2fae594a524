/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The host contract: what the core needs from a host kernel, and all that it needs. A port implements these
 * functions in one directory under hosts/.
 *
 * Tags. Context: "may sleep" = a thread with interrupts on and no lock of the core held; "any" = also
 * interrupt handlers and critical sections. Owner: who releases the result. Fails: how refusal shows; a
 * function without this tag cannot fail. Errors are negative COOP_E* values, the same on every host.
 */
#ifndef COOP_HOST_H
#define COOP_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Errors, equal to the Linux errno values so that a Linux shim passes them through. */
enum {
    COOP_E_INTERRUPTED = 4,
    COOP_E_NO_DEVICE = 6,
    COOP_E_TOO_BIG = 7,
    COOP_E_NO_MEMORY = 12,
    COOP_E_FAULT = 14,
    COOP_E_BUSY = 16,
    COOP_E_EXISTS = 17,
    COOP_E_INVALID = 22,
    COOP_E_NOT_SUPPORTED = 95,
};

/* --- Heap --- */

/*
 * Zeroed memory for the core's own objects, aligned to 16 bytes.
 * Context: may sleep. Owner: caller, coop_host_free. Fails: NULL. Units: bytes. Linux: kzalloc/kvzalloc. NT:
 * ExAllocatePoolWithTag.
 */
void* coop_host_alloc(size_t bytes);
/* Context: may sleep. p may be NULL. */
void coop_host_free(void* p);

/* --- Memory --- */

/*
 * Zeroed, physically contiguous, page-aligned, kernel-mapped (writable, not executable) memory; used for
 * passages and page tables. Context: may sleep. Owner: caller, coop_host_pages_free with the same count.
 * Fails: NULL. Units: 4 KiB pages. Linux: alloc_pages_exact. NT: MmAllocateContiguousNodeMemory.
 */
void* coop_host_pages_alloc(size_t pages);
void coop_host_pages_free(void* va, size_t pages);

/*
 * One physically contiguous run of guest RAM, 2 MiB aligned, zeroed, not in use by anything else; stays where
 * it is. bytes is a multiple of 2 MiB. *phys receives the host-physical address. Context: may sleep. Owner:
 * caller, coop_host_ram_free with the same address and size. Fails: -COOP_E_NO_MEMORY. Linux: alloc_pages
 * order 9/10 + split_page, alloc_contig_range. NT: MmAllocatePagesForMdlEx.
 */
int coop_host_ram_alloc(uint64_t bytes, uint64_t* phys);
void coop_host_ram_free(uint64_t phys, uint64_t bytes);

/* Bytes of RAM that coop_host_ram_alloc could give without hurting the host; a hint. Context: may sleep. */
uint64_t coop_host_ram_available(void);

/*
 * Kernel address of a byte inside a run from coop_host_ram_alloc; valid until the run is freed, never across
 * a run's end. Context: may sleep at the first call for a run; any from then on. Fails: NULL, if the host has
 * no room for the run in its own address space; a run that was mapped once stays so. Linux: __va. NT:
 * MmMapLockedPagesSpecifyCache.
 */
void* coop_host_ram_va(uint64_t phys);

/* Host-physical address of a kernel address: the module's text and data, and memory from
 * coop_host_pages_alloc. Context: any. */
uint64_t coop_host_phys(const void* va);

/* --- CPU --- */

/*
 * Enter a critical section: interrupts off, no preemption, no migration. Returns the number of the current
 * CPU. Does not nest. If other threads are due or the thread should return to user space, and
 * coop_host_yield has not seen it, an interrupt is left pending as by coop_host_interrupt_self: a guest
 * entered here leaves at once. Context: may sleep. Linux: preempt_disable + local_irq_disable. NT: CLI at
 * PASSIVE_LEVEL, where an interrupt that the core re-raises may switch threads, as if the section were over.
 */
uint32_t coop_host_critical_begin(void);
/* Interrupts on again, preemption allowed. Context: inside a critical section. */
void coop_host_critical_end(void);

/*
 * Make an interrupt arrive on that CPU soon, so that a guest running there leaves. Harmless when none does.
 * Context: any. Linux: an asynchronous reschedule-class IPI. NT: a targeted DPC.
 */
void coop_host_kick(uint32_t cpu);
/* By NMI, for a guest that keeps interrupts off. Context: any. Linux: an NMI IPI. NT: the local APIC. */
void coop_host_kick_nmi(uint32_t cpu);
/*
 * Leave a maskable interrupt pending on the current CPU: it is taken at the next instruction that enables
 * interrupts. Context: inside a critical section. Linux: a reschedule IPI to itself. NT: a DPC.
 */
void coop_host_interrupt_self(void);

/* The time from here to the matching _end is the guest's, for the host's accounting. Context: inside a
 * critical section. */
void coop_host_guest_time_begin(void);
void coop_host_guest_time_end(void);

/* --- Threads --- */

/* Let other threads run if they are due. Context: may sleep. Fails: true if the calling thread should return
 * to user space. */
bool coop_host_yield(void);

/*
 * An auto-reset event. Signals do not count: one signal or many before a wait let one wait through.
 * Context: create and destroy may sleep. Owner: caller. Fails: NULL. Linux: wait queue and a flag. NT:
 * KEVENT.
 */
struct coop_host_event;
struct coop_host_event* coop_host_event_create(void);
void coop_host_event_destroy(struct coop_host_event* event);
/* Context: any. */
void coop_host_event_signal(struct coop_host_event* event);
/* 0: signalled. Context: may sleep. Fails: -COOP_E_INTERRUPTED if the thread should return to user space. */
int coop_host_event_wait(struct coop_host_event* event);

/* A mutex. Context: create, destroy, lock: may sleep. Owner: caller. Fails: create returns NULL. */
struct coop_host_mutex;
struct coop_host_mutex* coop_host_mutex_create(void);
void coop_host_mutex_destroy(struct coop_host_mutex* mutex);
void coop_host_mutex_lock(struct coop_host_mutex* mutex);
void coop_host_mutex_unlock(struct coop_host_mutex* mutex);

/* --- Time --- */

/* Monotonic nanoseconds. Context: any. Linux: ktime_get. NT: KeQueryPerformanceCounter. */
uint64_t coop_host_time_ns(void);

/*
 * A one-shot timer. The callback runs in interrupt context, possibly on another CPU than the one that armed
 * it. Context: create and destroy may sleep; destroy waits for a running callback. Owner: caller. Fails:
 * create returns NULL. Linux: hrtimer. NT: ExAllocateTimer.
 */
struct coop_host_timer;
struct coop_host_timer* coop_host_timer_create(void (*callback)(void* context), void* context);
void coop_host_timer_destroy(struct coop_host_timer* timer);
/* Arm (or re-arm) for delay_ns from now; a cancel may come too late for a callback under way. Context: any
 * but the callback. */
void coop_host_timer_arm(struct coop_host_timer* timer, uint64_t delay_ns);
void coop_host_timer_cancel(struct coop_host_timer* timer);

/* --- User space --- */

/* Wake the user-space thread behind a notifier that the shim handed to the core. Context: any. Linux:
 * eventfd_signal. NT: KeSetEvent, by a DPC while interrupts are off. */
struct coop_host_notifier;
void coop_host_notifier_signal(struct coop_host_notifier* notifier);
/* The core is done with the notifier. Context: may sleep. */
void coop_host_notifier_release(struct coop_host_notifier* notifier);

/* --- Bugs --- */

/* A bug of the core: log file and line, then stop this CPU's work for good in the host's own way. Does not
 * return. Context: any. */
void coop_host_bug(const char* file, int line, const char* what) __attribute__((noreturn));

#ifdef __cplusplus
}
#endif
#endif
