// SPDX-License-Identifier: GPL-2.0-only
/*
 * The CPU part of the host contract: critical sections and kicks.
 *
 * A section has interrupts off at PASSIVE_LEVEL, so that the guest runs with CR8 at 0: every vector makes it
 * leave, those of DPCs and APCs too, and all may be re-raised. Kicks and self-interrupts are a DPC that does
 * nothing: queuing one is allowed in any context, and its interrupt waits at the APIC while interrupts are
 * off.
 */
#include "shim.h"

struct processor {
    KDPC kick;
    bool present;
};
static struct processor* processors;
static uint32_t processor_count;

uint32_t coop_host_critical_begin(void) {
    struct coop_call* call = coop_call_current(); /* only this thread ends it */

    coop_cpu_disable();
    if (call && KeReadStateEvent(&call->interrupted)) { /* what comes from now on kicks */
        coop_host_interrupt_self();
    }
    return coop_processor_current();
}

void coop_host_critical_end(void) {
    coop_cpu_enable();
}

static void insert_dpc(void* dpc) {
    KeInsertQueueDpc(dpc, NULL, NULL); /* false: it waits there already, and so does its interrupt */
}

void coop_cpu_insert_dpc(PKDPC dpc) {
    coop_keep_vectors(insert_dpc, dpc);
}

void coop_host_kick(uint32_t cpu) {
    if (cpu < processor_count && processors[cpu].present) {
        coop_cpu_insert_dpc(&processors[cpu].kick);
    }
}

void coop_cpu_kick_all(void) {
    uint32_t cpu;

    for (cpu = 0; cpu < processor_count; cpu++) {
        coop_host_kick(cpu);
    }
}

static void kick_this(void* unused) {
    UNREFERENCED_PARAMETER(unused);
    coop_host_kick(coop_processor_current());
}

void coop_host_interrupt_self(void) {
    coop_keep_vectors(kick_this, NULL);
}

/* NT counts cycles and ticks by thread; a guest's are its thread's. */
void coop_host_guest_time_begin(void) {}

void coop_host_guest_time_end(void) {}

static VOID NTAPI nothing(PKDPC dpc, PVOID context, PVOID first, PVOID second) {
    UNREFERENCED_PARAMETER(dpc);
    UNREFERENCED_PARAMETER(context);
    UNREFERENCED_PARAMETER(first);
    UNREFERENCED_PARAMETER(second);
}

int coop_cpu_load(void) {
    uint32_t count = coop_processor_count(), cpu;

    processors = coop_host_alloc(count * sizeof(*processors));
    if (!processors) {
        return -COOP_E_NO_MEMORY;
    }
    for (cpu = 0; cpu < count; cpu++) {
        KeInitializeDpc(&processors[cpu].kick, nothing, NULL);
        KeSetImportanceDpc(&processors[cpu].kick, HighImportance);
        /* A CPU that is added later gets no kicks: a guest there leaves at its next clock interrupt. */
        processors[cpu].present = coop_processor_aim(&processors[cpu].kick, cpu);
    }
    processor_count = count;
    return 0;
}

void coop_cpu_unload(void) {
    processor_count = 0;
    KeFlushQueuedDpcs();
    coop_host_free(processors);
    processors = NULL;
}
