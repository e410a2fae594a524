// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kicks by NMI. NT has no call that sends one, so the local APIC's interrupt command register does (SDM
 * 3A 11.6.1); NT's own use of it is with interrupts off too.
 */
#include "shim.h"

#define MSR_APIC_BASE 0x1b
#define APIC_ENABLED 0x800
#define APIC_X2 0x400
#define APIC_ADDRESS 0xfffff000ull
#define MSR_X2_ID 0x802
#define MSR_X2_COMMAND 0x830
#define REGISTER_ID (0x20 / 4)
#define REGISTER_COMMAND_LOW (0x300 / 4)
#define REGISTER_COMMAND_HIGH (0x310 / 4)
#define COMMAND_PENDING 0x1000
#define COMMAND_NMI 0x4400 /* delivery mode NMI, level assert */

struct target {
    uint32_t apic_id;
    bool present;
    volatile LONG sent; /* an NMI of ours is on its way */
};
static struct target* targets;
static uint32_t target_count;
static volatile uint32_t* registers; /* NULL: x2APIC mode */
static PVOID registration;

bool coop_nmi_possible(void) {
    return KeQueryActiveProcessorCountEx(ALL_PROCESSOR_GROUPS) > 1 &&
           (__readmsr(MSR_APIC_BASE) & APIC_ENABLED);
}

/* Claims the NMIs sent below and no others. */
static BOOLEAN NTAPI claim(PVOID context, BOOLEAN handled) {
    uint32_t cpu = coop_processor_current();

    UNREFERENCED_PARAMETER(context);
    return (cpu < target_count && InterlockedExchange(&targets[cpu].sent, 0)) || handled;
}

static void send(uint32_t apic_id) {
    bool off = coop_cpu_interrupts_off();

    coop_cpu_disable();
    if (registers) {
        while (registers[REGISTER_COMMAND_LOW] & COMMAND_PENDING) {
            YieldProcessor();
        }
        registers[REGISTER_COMMAND_HIGH] = apic_id << 24;
        registers[REGISTER_COMMAND_LOW] = COMMAND_NMI;
    } else {
        __writemsr(MSR_X2_COMMAND, (uint64_t)apic_id << 32 | COMMAND_NMI);
    }
    if (!off) {
        coop_cpu_enable();
    }
}

void coop_host_kick_nmi(uint32_t cpu) {
    /* One at a time: two NMIs may merge into one, and then a mark would be left to claim a stranger's. */
    if (cpu < target_count && targets[cpu].present && !InterlockedExchange(&targets[cpu].sent, 1)) {
        send(targets[cpu].apic_id);
    }
}

static ULONG_PTR NTAPI note_apic_id(ULONG_PTR unused) {
    struct target* target = &targets[coop_processor_current()];

    target->apic_id = registers ? registers[REGISTER_ID] >> 24 : (uint32_t)__readmsr(MSR_X2_ID);
    target->present = true;
    return unused;
}

int coop_nmi_load(void) {
    uint64_t base = __readmsr(MSR_APIC_BASE);
    PHYSICAL_ADDRESS at = {.QuadPart = base & APIC_ADDRESS};
    uint32_t count = coop_processor_count();

    targets = coop_host_alloc(count * sizeof(*targets));
    registers = base & APIC_X2 ? NULL : MmMapIoSpace(at, COOP_PAGE_BYTES, MmNonCached);
    if (!targets || (!registers && !(base & APIC_X2))) {
        goto no_memory;
    }
    KeIpiGenericCall(note_apic_id, 0);
    target_count = count;
    registration = KeRegisterNmiCallback(claim, NULL);
    if (!registration) {
        goto no_memory;
    }
    return 0;

no_memory:
    target_count = 0;
    if (registers) {
        MmUnmapIoSpace((PVOID)registers, COOP_PAGE_BYTES);
    }
    coop_host_free(targets);
    return -COOP_E_NO_MEMORY;
}

void coop_nmi_unload(void) {
    KeDeregisterNmiCallback(registration);
    target_count = 0;
    if (registers) {
        MmUnmapIoSpace((PVOID)registers, COOP_PAGE_BYTES);
    }
    coop_host_free(targets);
}
