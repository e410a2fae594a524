// SPDX-License-Identifier: GPL-2.0-only
/*
 * The CPU part of the host contract: critical sections, kicks, accounting.
 *
 * Kicks and self-interrupts are the kernel's own reschedule IPI: it carries no state, so it can be sent from
 * any context, any number of times, and needs no care at unload or when a CPU goes down.
 */
#include <linux/cpumask.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/sched/signal.h>
#include <linux/smp.h>
#include <linux/vtime.h>

#include <trace/events/ipi.h>

#include <asm/apic.h>
#include <asm/nmi.h>

#include "shim.h"

/* An NMI of ours is on its way to this CPU. */
static DEFINE_PER_CPU(int, nmi_sent);

uint32_t coop_host_critical_begin(void) {
    preempt_disable();
    local_irq_disable();
    /* Their own interrupts may have come after the last coop_host_yield(). */
    if (need_resched() || signal_pending(current)) {
        coop_host_interrupt_self();
    }
    return smp_processor_id();
}

void coop_host_critical_end(void) {
    local_irq_enable();
    preempt_enable();
}

void coop_host_kick(uint32_t cpu) {
    /* A CPU cannot go offline under a section without preemption. */
    preempt_disable();
    if (cpu < nr_cpu_ids && cpu_online(cpu)) {
        smp_send_reschedule(cpu);
    }
    preempt_enable();
}

void coop_host_interrupt_self(void) {
    smp_send_reschedule(smp_processor_id());
}

void coop_host_kick_nmi(uint32_t cpu) {
    preempt_disable();
    /* One at a time: two NMIs may merge into one, and then a flag would be left to claim a stranger's. */
    if (cpu < nr_cpu_ids && cpu_online(cpu) && !xchg(per_cpu_ptr(&nmi_sent, cpu), 1)) {
        apic->send_IPI(cpu, NMI_VECTOR);
    }
    preempt_enable();
}

/* Claims the NMIs sent above and no others. Should another source's NMI come first, the kernel counts two
 * causes and expects ours. */
static int claim_nmi(unsigned int type, struct pt_regs* regs) {
    return this_cpu_xchg(nmi_sent, 0) ? NMI_HANDLED : NMI_DONE;
}

void coop_host_guest_time_begin(void) {
    vtime_account_guest_enter();
}

void coop_host_guest_time_end(void) {
    vtime_account_guest_exit();
}

int coop_cpu_load(void) {
    return register_nmi_handler(NMI_LOCAL, claim_nmi, 0, "coop");
}

void coop_cpu_unload(void) {
    unregister_nmi_handler(NMI_LOCAL, "coop");
}
