// SPDX-License-Identifier: GPL-2.0-only
/* From the vectors to their handlers. An exception is the end: no case may cause one on the host. */
#include "metal.h"

enum { FIRST_INTERRUPT = 32 };

void metal_interrupt(struct metal_frame* frame);

static metal_handler* handlers[256];
static uint64_t counts[METAL_MAX_CPUS][256];

metal_handler* metal_handle(uint32_t vector, metal_handler* handler) {
    return __atomic_exchange_n(&handlers[vector], handler, __ATOMIC_SEQ_CST);
}

uint64_t metal_count(uint32_t vector) {
    uint64_t count = 0;

    for (uint32_t cpu = 0; cpu < METAL_MAX_CPUS; cpu++)
        count += metal_count_on(cpu, vector);
    return count;
}

uint64_t metal_count_on(uint32_t cpu, uint32_t vector) {
    return __atomic_load_n(&counts[cpu][vector], __ATOMIC_RELAXED);
}

void metal_interrupt(struct metal_frame* frame) {
    metal_handler* handler = handlers[frame->vector];

    __atomic_fetch_add(&counts[metal_this_cpu()][frame->vector], 1, __ATOMIC_RELAXED);
    if (handler) {
        handler(frame);
    } else if (frame->vector != VECTOR_NMI && frame->vector != VECTOR_MACHINE_CHECK) {
        metal_print("\n# vector %u error %x rip %x rsp %x rflags %x cpu %u\n", frame->vector, frame->error,
                    frame->rip, frame->rsp, frame->rflags, (uint64_t)metal_this_cpu());
        metal_panic(frame->vector < FIRST_INTERRUPT ? "exception" : "interrupt that nobody expects");
    }
}
