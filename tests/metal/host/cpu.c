// SPDX-License-Identifier: GPL-2.0-only
/* The CPU part of the host contract, all of it by the local APIC. */
#include "metal.h"

uint32_t metal_this_cpu(void) {
    uint16_t tr;

    /* Each CPU has a TSS of its own, and spare ones that keep the remainder. */
    asm volatile("str %0" : "=r"(tr));
    return (tr - FIRST_TSS) / 16 % METAL_MAX_CPUS;
}

uint32_t coop_host_critical_begin(void) {
    asm volatile("cli" ::: "memory");
    if (metal_signal_unseen())
        coop_host_interrupt_self();
    return metal_this_cpu();
}

void coop_host_critical_end(void) {
    asm volatile("sti" ::: "memory");
}

static void kicked(struct metal_frame* frame) {
    (void)frame;
    metal_apic_end();
}

void coop_host_kick(uint32_t cpu) {
    metal_handle(VECTOR_KICK, kicked);
    metal_apic_send(cpu, VECTOR_KICK);
}

void coop_host_kick_nmi(uint32_t cpu) {
    metal_apic_send(cpu, APIC_NMI);
}

void coop_host_interrupt_self(void) {
    coop_host_kick(metal_this_cpu());
}

/* No accounting of processes here; the cases check that the calls come in pairs. */
static int in_guest_time[METAL_MAX_CPUS];

void coop_host_guest_time_begin(void) {
    if (in_guest_time[metal_this_cpu()]++)
        metal_panic("guest time begun twice");
}

void coop_host_guest_time_end(void) {
    if (--in_guest_time[metal_this_cpu()])
        metal_panic("guest time ended twice");
}
