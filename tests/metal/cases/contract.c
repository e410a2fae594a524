// SPDX-License-Identifier: GPL-2.0-only
/* The contract suite on this host: its cases, and what it wants supplied. */
#include "contract.h"
#include "case.h"

#define CONTRACT_CASE(name)           \
    void case_contract_##name(void) { \
        contract_##name();            \
    }
#include "contract.def"

void contract_fail(const char* file, int line, const char* what) {
    metal_fail(file, line, what);
}

uint32_t contract_cpus(void) {
    return metal_smp() ? METAL_MAX_CPUS : 1;
}

uint32_t contract_this_cpu(void) {
    return metal_this_cpu();
}

bool contract_interrupts_off(void) {
    uint64_t flags;

    asm volatile("pushfq; popq %0" : "=r"(flags)::"memory");
    return !(flags & 0x200);
}

bool contract_interrupt_pending(void) {
    return metal_apic_requested(VECTOR_KICK);
}

bool contract_kicks_by_nmi(void) {
    return true;
}

uint64_t contract_nmis(uint32_t cpu) {
    return metal_count_on(cpu, VECTOR_NMI);
}

const volatile uint8_t* contract_at(uint64_t phys) {
    return metal_va(phys);
}

bool contract_in_image(void) {
    return true;
}

bool contract_thread_start(void (*function)(void*), void* argument) {
    if (!metal_smp())
        return false;
    metal_smp_call(function, argument);
    return true;
}

void contract_thread_join(void) {
    metal_smp_wait();
    metal_signal(false);
}

void contract_signal(bool pending) {
    if (pending)
        metal_signal_arrives();
    else
        metal_signal(false);
}

void contract_signal_second(void) {
    metal_signal_arrives();
    coop_host_kick(!metal_this_cpu());
}

/* Each CPU has one thread. */
bool contract_rival_start(void) {
    return false;
}

bool contract_rival_ran(void) {
    return true;
}

void contract_rival_join(void) {}

static uint64_t signals_seen;

struct coop_host_notifier* contract_notifier_open(void) {
    signals_seen = 0;
    return metal_notifier_create();
}

bool contract_notifier_woken(struct coop_host_notifier* notifier) {
    uint64_t now = metal_notifier_signals(notifier);
    bool woken = now != signals_seen;

    signals_seen = now;
    return woken;
}
