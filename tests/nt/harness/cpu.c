// SPDX-License-Identifier: GPL-2.0-only
/* Processors, all in one group; interrupts to all of them; NMIs. */
#include <linux/cpumask.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
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

#define CALLBACKS 4

struct nmi_callback {
    u8(NT_CALL* routine)(void* context, u8 handled);
    void* context;
};

static DEFINE_MUTEX(nmi_lock);
static struct nmi_callback callbacks[CALLBACKS];
static unsigned int callbacks_used;

static int come(unsigned int type, struct pt_regs* regs) {
    u8 handled = false;
    unsigned int i;

    for (i = 0; i < CALLBACKS; i++) {
        u8(NT_CALL * routine)(void*, u8) = smp_load_acquire(&callbacks[i].routine);

        if (routine) {
            handled = routine(callbacks[i].context, handled);
        }
    }
    return handled ? NMI_HANDLED : NMI_DONE;
}

NT_EXPORT(void*, KeRegisterNmiCallback, uint8_t(NT_CALL* routine)(void* context, uint8_t handled),
          void* context) {
    struct nmi_callback* callback = NULL;
    unsigned int i;

    mutex_lock(&nmi_lock);
    for (i = 0; i < CALLBACKS && !callback; i++) {
        callback = callbacks[i].routine ? NULL : &callbacks[i];
    }
    if (callback && !callbacks_used && register_nmi_handler(NMI_LOCAL, come, 0, "coop_nt")) {
        callback = NULL;
    }
    if (callback) {
        callbacks_used++;
        callback->context = context;
        smp_store_release(&callback->routine, routine);
        tally_taken(TALLY_routines);
    }
    mutex_unlock(&nmi_lock);
    return callback;
}

/* With the lock held. */
static void forget(struct nmi_callback* callback) {
    WRITE_ONCE(callback->routine, NULL);
    if (!--callbacks_used) {
        unregister_nmi_handler(NMI_LOCAL, "coop_nt");
    }
    synchronize_rcu();
}

NT_EXPORT(int32_t, KeDeregisterNmiCallback, struct nmi_callback* callback) {
    bool known = callback >= callbacks && callback < callbacks + CALLBACKS && callback->routine;

    if (!known) {
        return NT_INVALID_HANDLE;
    }
    mutex_lock(&nmi_lock);
    forget(callback);
    mutex_unlock(&nmi_lock);
    tally_given_back(TALLY_routines);
    return NT_SUCCESS;
}

void cpu_unload(void) {
    unsigned int i;

    for (i = 0; i < CALLBACKS; i++) {
        if (callbacks[i].routine) {
            forget(&callbacks[i]);
        }
    }
}
