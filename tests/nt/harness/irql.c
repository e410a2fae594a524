// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupt request levels and spin locks.
 *
 * A driver reads and writes CR8 by itself. Linux does not use it, and leaves it at 1 to be safe from vectors
 * below 32; it is 0 while a driver is here. What a level means is modelled as far as a driver can tell: no
 * DPC runs on a CPU at DISPATCH_LEVEL (dpc.c), no thread waits there (dispatcher.c), and what raises to it by
 * a call has interrupts off besides, so that nothing else runs either.
 */
#include <linux/irqflags.h>
#include <linux/percpu.h>
#include <linux/processor.h>
#include <linux/smp.h>

#include "double.h"

uint8_t irql_now(void) {
    u64 level;

    asm volatile("mov %%cr8, %0" : "=r"(level)::"memory");
    return level;
}

uint8_t irql_set(uint8_t level) {
    u8 before = irql_now();

    asm volatile("mov %0, %%cr8" ::"r"((u64)level) : "memory");
    return before;
}

void vectors_spoil(void) {
    if (irqs_disabled()) {
        asm volatile("pcmpeqd %%xmm0, %%xmm0\n\tpcmpeqd %%xmm1, %%xmm1\n\tpcmpeqd %%xmm2, %%xmm2\n\t"
                     "pcmpeqd %%xmm3, %%xmm3\n\tpcmpeqd %%xmm4, %%xmm4\n\tpcmpeqd %%xmm5, %%xmm5" ::
                         : "memory");
    }
}

static u8 linux_level;

static void set_passive(void* unused) {
    linux_level = irql_set(NT_PASSIVE_LEVEL);
}

void irql_load(void) {
    on_each_cpu(set_passive, NULL, true);
}

static void set_back(void* unused) {
    u8 level = irql_set(linux_level);

    if (level != NT_PASSIVE_LEVEL) {
        double_complaint("CPU %u is left at level %u", smp_processor_id(), level);
    }
}

void irql_unload(void) {
    on_each_cpu(set_back, NULL, true);
}

/* The interrupt flag before a CPU was raised to DISPATCH_LEVEL. */
static DEFINE_PER_CPU(unsigned long, flags_below);

static u8 raise(void) {
    unsigned long flags;
    u8 before;

    local_irq_save(flags);
    before = irql_set(NT_DISPATCH_LEVEL);
    if (before < NT_DISPATCH_LEVEL) {
        this_cpu_write(flags_below, flags);
    }
    return before;
}

static void lower(u8 level) {
    unsigned long flags = this_cpu_read(flags_below);

    if (irql_now() < NT_DISPATCH_LEVEL) {
        double_complaint("a spin lock is released below DISPATCH_LEVEL");
    }
    irql_set(level);
    if (level < NT_DISPATCH_LEVEL) {
        local_irq_restore(flags);
    }
}

static void lock(u64* lock) {
    while (xchg(lock, 1)) {
        cpu_relax();
    }
}

static void unlock(u64* lock) {
    if (!xchg(lock, 0)) {
        double_complaint("a spin lock that nobody holds is released");
    }
}

NT_EXPORT(uint8_t, KeAcquireSpinLockRaiseToDpc, uint64_t* spin_lock) {
    u8 before = raise();

    lock(spin_lock);
    return before;
}

NT_EXPORT(void, KeReleaseSpinLock, uint64_t* spin_lock, uint8_t level) {
    unlock(spin_lock);
    lower(level);
}

NT_EXPORT(void, KeAcquireSpinLockAtDpcLevel, uint64_t* spin_lock) {
    if (irql_now() < NT_DISPATCH_LEVEL) {
        double_complaint("KeAcquireSpinLockAtDpcLevel below DISPATCH_LEVEL");
    }
    lock(spin_lock);
}

NT_EXPORT(void, KeReleaseSpinLockFromDpcLevel, uint64_t* spin_lock) {
    unlock(spin_lock);
}

static u64 cancel_lock;

NT_EXPORT(void, IoAcquireCancelSpinLock, uint8_t* level) {
    *level = raise();
    lock(&cancel_lock);
}

NT_EXPORT(void, IoReleaseCancelSpinLock, uint8_t level) {
    unlock(&cancel_lock);
    lower(level);
}
