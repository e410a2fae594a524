// SPDX-License-Identifier: GPL-2.0-only
/*
 * The vectors of kicks, from the local APIC's request register. NT does not say which they are; so they are
 * what is pending after each of many kicks, not before them, and not as often without one, as the clock's may
 * be on a slow machine.
 */
#include "interrupts.h"

#include "contract.h"
#include "shim.h"

#define MSR_APIC_BASE 0x1b
#define APIC_X2 0x400
#define APIC_ADDRESS 0xfffff000ull
#define REQUESTS 0x200 /* eight words, 0x10 bytes apart */
#define MSR_X2_REQUESTS 0x820
#define WORDS 8
#define ROUNDS 30
#define UNTIL_THERE_NS (2 * CONTRACT_MS)

struct vectors {
    uint32_t word[WORDS];
};

static volatile uint8_t* registers; /* NULL: x2APIC mode */
static struct vectors own, from_another;

static struct vectors pending(void) {
    struct vectors vectors;
    unsigned int i;

    for (i = 0; i < WORDS; i++) {
        vectors.word[i] = registers ? *(volatile uint32_t*)(registers + REQUESTS + 0x10 * i)
                                    : (uint32_t)__readmsr(MSR_X2_REQUESTS + i);
    }
    return vectors;
}

static void keep_common(struct vectors* all, const struct vectors* before, const struct vectors* after) {
    unsigned int i;

    for (i = 0; i < WORDS; i++) {
        all->word[i] &= after->word[i] & ~before->word[i];
    }
}

/* What comes in the time that a kick is given, with a kick or without. */
static void look(bool kick, struct vectors* before, struct vectors* after) {
    uint32_t cpu = coop_host_critical_begin();

    *before = pending();
    if (kick) {
        coop_host_kick(cpu);
    }
    contract_spin(UNTIL_THERE_NS);
    *after = pending();
    coop_host_critical_end();
}

static void learn_own(void) {
    struct vectors before, after;
    unsigned int i;

    for (i = 0; i < ROUNDS; i++) {
        look(true, &before, &after);
        keep_common(&own, &before, &after);
    }
}

/* Seen in most of the rounds. */
static void learn_noise(void) {
    unsigned int seen[WORDS * 32] = {0}, i, vector;
    struct vectors before, after;

    for (i = 0; i < ROUNDS; i++) {
        look(false, &before, &after);
        for (vector = 0; vector < WORDS * 32; vector++) {
            seen[vector] += after.word[vector / 32] >> vector % 32 & 1;
        }
    }
    for (vector = 0; vector < WORDS * 32; vector++) {
        if (seen[vector] > ROUNDS / 2) {
            own.word[vector / 32] &= ~(1u << vector % 32);
            from_another.word[vector / 32] &= ~(1u << vector % 32);
        }
    }
}

/* Both are there; the one to be kicked has looked; the other has kicked. */
struct meeting {
    uint32_t cpu, there, looks, looked, kicked;
};

static void be_kicked(void* argument) {
    struct meeting* meeting = argument;
    unsigned int i;

    for (i = 1; i <= ROUNDS; i++) {
        struct vectors before, after;

        meeting->cpu = coop_host_critical_begin();
        contract_store(&meeting->there, i);
        contract_spin_until(&meeting->looks, i);
        before = pending();
        contract_store(&meeting->looked, i);
        contract_spin_until(&meeting->kicked, i);
        contract_spin(UNTIL_THERE_NS);
        after = pending();
        coop_host_critical_end();
        keep_common(&from_another, &before, &after);
    }
}

static void learn_from_another(void) {
    struct meeting meeting = {0, 0, 0, 0, 0};
    unsigned int i;

    if (!contract_thread_start(be_kicked, &meeting)) {
        return;
    }
    for (i = 1; i <= ROUNDS; i++) {
        contract_sleep_until(&meeting.there, i);
        contract_store(&meeting.looks, i);
        contract_spin_until(&meeting.looked, i);
        coop_host_kick(meeting.cpu);
        contract_store(&meeting.kicked, i);
    }
    contract_thread_join();
}

int interrupts_load(void) {
    uint64_t base = __readmsr(MSR_APIC_BASE);
    PHYSICAL_ADDRESS at = {.QuadPart = base & APIC_ADDRESS};

    if (!(base & APIC_X2)) {
        registers = MmMapIoSpace(at, PAGE_SIZE, MmNonCached);
        if (!registers) {
            return -COOP_E_NO_MEMORY;
        }
    }
    memset(&own, 0xff, sizeof(own));
    memset(&from_another, 0xff, sizeof(from_another));
    learn_own();
    learn_from_another();
    learn_noise();
    DbgPrint("coop_contract: kicks come by vectors %x:%x:%x:%x:%x:%x:%x:%x, from another CPU by "
             "%x:%x:%x:%x:%x:%x:%x:%x\n",
             own.word[7], own.word[6], own.word[5], own.word[4], own.word[3], own.word[2], own.word[1],
             own.word[0], from_another.word[7], from_another.word[6], from_another.word[5],
             from_another.word[4], from_another.word[3], from_another.word[2], from_another.word[1],
             from_another.word[0]);
    return 0;
}

void interrupts_unload(void) {
    if (registers) {
        MmUnmapIoSpace((PVOID)registers, PAGE_SIZE);
    }
}

bool interrupts_kick_pending(void) {
    struct vectors now = pending();
    uint32_t any = 0;
    unsigned int i;

    for (i = 0; i < WORDS; i++) {
        any |= now.word[i] & (own.word[i] | from_another.word[i]);
    }
    return any != 0;
}
