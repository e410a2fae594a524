// SPDX-License-Identifier: GPL-2.0-only
/* Processors, all in one group; interrupts to all of them; NMIs. */
#include <linux/cpumask.h>
#include <linux/smp.h>

#include <asm/nmi.h>

#include "cpu.h"
#include "double.h"

NT_EXPORT(uint32_t, KeGetCurrentProcessorNumberEx, struct nt_processor* processor) {
    unsigned int cpu = raw_smp_processor_id();

    if (processor) {
        *processor = (struct nt_processor){.number = cpu};
    }
    return cpu;
}

NT_EXPORT(int32_t, KeGetProcessorNumberFromIndex, uint32_t index, struct nt_processor* processor) {
    if (index >= nr_cpu_ids) {
        return NT_INVALID_PARAMETER;
    }
    *processor = (struct nt_processor){.number = index};
    return NT_SUCCESS;
}

NT_EXPORT(uint32_t, KeQueryMaximumProcessorCountEx, uint16_t group) {
    return nr_cpu_ids;
}

NT_EXPORT(uint32_t, KeQueryActiveProcessorCountEx, uint16_t group) {
    return num_online_cpus();
}

/* --- A call on each CPU --- */

struct call {
    u64(NT_CALL* function)(u64 argument);
    u64 argument;
    u64 result; /* the caller's own */
    unsigned int caller;
};

static void run(void* data) {
    struct call* call = data;
    u8 level = irql_set(NT_IPI_LEVEL);
    u64 result = call->function(call->argument);

    irql_set(level);
    if (smp_processor_id() == call->caller) {
        call->result = result;
    }
}

NT_EXPORT(uint64_t, KeIpiGenericCall, uint64_t(NT_CALL* function)(uint64_t argument), uint64_t argument) {
    struct call call = {.function = function, .argument = argument};

    call.caller = get_cpu();
    on_each_cpu(run, &call, true);
    put_cpu();
    return call.result;
}

/* --- NMIs --- */

static struct {
    u8(NT_CALL* callback)(void* context, uint8_t handled);
    void* context;
} nmi;

static int come(unsigned int type, struct pt_regs* regs) {
    return nmi.callback(nmi.context, false) ? NMI_HANDLED : NMI_DONE;
}

NT_EXPORT(void*, KeRegisterNmiCallback, uint8_t(NT_CALL* callback)(void* context, uint8_t handled),
          void* context) {
    if (nmi.callback) {
        double_complaint("a second NMI callback is not modelled");
        return NULL;
    }
    nmi.callback = callback;
    nmi.context = context;
    if (register_nmi_handler(NMI_LOCAL, come, 0, "coop_nt")) {
        nmi.callback = NULL;
        return NULL;
    }
    tally_taken(TALLY_routines);
    return &nmi;
}

NT_EXPORT(int32_t, KeDeregisterNmiCallback, void* handle) {
    if (handle != &nmi || !nmi.callback) {
        return NT_INVALID_HANDLE;
    }
    unregister_nmi_handler(NMI_LOCAL, "coop_nt");
    nmi.callback = NULL;
    tally_given_back(TALLY_routines);
    return NT_SUCCESS;
}

void cpu_unload(void) {
    if (nmi.callback) {
        unregister_nmi_handler(NMI_LOCAL, "coop_nt");
        nmi.callback = NULL;
    }
}
