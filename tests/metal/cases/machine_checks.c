// SPDX-License-Identifier: GPL-2.0-only
/*
 * A machine check at each instruction of the passage, with all registers at random. Who sends it is
 * machine_check_coverage.py, by QEMU's gdb stub: it stops the machine at metal_machine_check_round() before
 * each round, and at an instruction of the passage. Each must reach the host's handler exactly once, in the
 * host's world, and no register of host or guest may have changed. So must the NMIs that it sends before or
 * after one. A CPU with CR4.MCE clear would shut down, so both worlds leave it set.
 */
#include "arrival.h"

enum { CR4_MCE = 1 << 6, MSR_MCG_STATUS = 0x17a, APIC_LINT1 = 0xfee00360, APIC_MASKED = 1 << 16 };

/* By the driver, at the beginning of a round: whether it wants this one, and what it has sent so far. */
static volatile struct { uint64_t wanted, machine_checks, nmis; } metal_machine_check_driver;

enum kind { STATE, NO_TSS, SEGMENTS, ANSWERED, ENDINGS };

static uint64_t strangers;

static void take_machine_check(struct metal_frame* frame) {
    strangers += !metal_arrived_whole(frame, IST_MACHINE_CHECK);
    __asm__ volatile("wrmsr" ::"c"(MSR_MCG_STATUS), "a"(0), "d"(0)); /* the next one may come */
}

static void take_nmi(struct metal_frame* frame) {
    strangers += !metal_arrived_whole(frame, IST_NMI);
}

/* Whether there is to be another round of that kind. All that was sent in the last one must be here by now.
 */
static __attribute__((noipa)) bool metal_machine_check_round(enum kind kind) {
    (void)kind;
    CHECK_EQUAL(metal_count(VECTOR_MACHINE_CHECK), metal_machine_check_driver.machine_checks);
    CHECK_EQUAL(metal_count(VECTOR_NMI), metal_machine_check_driver.nmis);
    return metal_machine_check_driver.wanted;
}

static bool stays(struct metal_guest guest, enum kind kind) {
    bool good = true;

    while (good && metal_machine_check_round(kind))
        good = metal_state_stay(&guest, NULL, NULL, NULL) && guest.status == -COOP_E_INTERRUPTED;
    metal_guest_end(&guest);
    return good;
}

/* Entered again in the same stay, with nothing to load: the host's CR0 is the guest's. */
static void answered(void) {
    struct metal_guest guest = GUEST(answered);

    while (metal_machine_check_round(ANSWERED))
        CHECK_EQUAL(metal_guest_run(&guest), 0);
    metal_guest_end(&guest);
}

static bool stays_to_the_end(unsigned number) {
    const struct metal_ending* ending = &metal_endings[number];
    bool good = true;

    do {
        __asm__ volatile("sti" ::: "memory"); /* off since the last verification */
        struct metal_guest guest = metal_ending_begin(ending);
        const bool wanted = metal_machine_check_round(ENDINGS + number);

        do
            good = metal_state_stay(&guest, NULL, NULL, NULL);
        while (good && guest.status != 0);
        metal_ending_end(ending, &guest);
        if (!wanted)
            break;
    } while (good);
    return good;
}

void case_machine_checks(void) {
    struct metal_guest guest = metal_state_begin(metal_option("seed", 1));
    volatile uint32_t* lint1 = metal_va(APIC_LINT1);
    bool good = true;

    metal_state_keep_cr4(CR4_MCE);
    metal_state_report(&guest)->keep_cr4 = CR4_MCE;
    strangers = 0;
    metal_handle(VECTOR_MACHINE_CHECK, take_machine_check);
    metal_handle(VECTOR_NMI, take_nmi);
    *lint1 = APIC_NMI; /* where QEMU's monitor sends them */
    for (uint64_t round = 0; good && metal_machine_check_round(STATE); round++) {
        if (round % 4 == 0)
            coop_guest_event(guest.guest, COOP_EVENT_POWER_BUTTON);
        good = metal_state_round(&guest, NULL, NULL, NULL);
    }
    good = good && stays(GUEST(no_tss), NO_TSS) && stays(GUEST(segments_going), SEGMENTS);
    for (unsigned i = 0; good && i < METAL_ENDINGS; i++)
        good = stays_to_the_end(i);
    for (unsigned i = 0; good && i < 3; i++)
        good = metal_state_round(&guest, NULL, NULL, NULL);
    CHECK(good);
    CHECK(metal_count(VECTOR_MACHINE_CHECK) > 0);
    CHECK(metal_state_report(&guest)->events > 0);
    CHECK(metal_guest_stats(&guest).machine_checks_forwarded > 0);
    metal_state_end(&guest);
    metal_signal(true);
    answered();
    CHECK_EQUAL(strangers, 0);
    *lint1 = APIC_MASKED;
    metal_handle(VECTOR_MACHINE_CHECK, NULL);
    metal_handle(VECTOR_NMI, NULL);
}
