// SPDX-License-Identifier: GPL-2.0-only
/*
 * An NMI at every instruction of a switch, in each direction; and an ordinary interrupt likewise. With QEMU's
 * -icount the APIC's timer expires after a number of instructions: round after round one more, from the host
 * on its way in and from the guest on its way out. Each must reach the host's handler exactly once, in the
 * host's world, and no register may have changed. Which instructions were hit, nmi_coverage.py and
 * interrupt_coverage.py read from QEMU's own log of interrupts.
 */
#include "arrival.h"

enum { VECTOR_SWEEP = 0x45 };

struct shot {
    struct metal_guest* guest;
    uint32_t lvt, ticks;
    bool from_guest;
};

static uint64_t strangers;
/* Where a guest counts its turns; and their number when the NMI reached the host. */
static const volatile uint64_t* turns;
static uint64_t turns_before_nmi;

static void count(struct metal_frame* frame) {
    strangers += !metal_arrived_whole(frame, IST_NMI);
    if (turns)
        turns_before_nmi = *turns;
}

static void fire(void* argument) {
    const struct shot* shot = argument;

    if (shot->from_guest)
        metal_state_report(shot->guest)->arm = (uint64_t)shot->lvt << 32 | shot->ticks;
    else
        metal_apic_arm(shot->lvt, shot->ticks);
}

/* Until the timer has expired, wherever the round has left it. */
static void settle(void* argument) {
    (void)argument;
    while (metal_apic_timer_left())
        __builtin_ia32_pause();
    __builtin_ia32_pause(); /* taken by now, interrupts are on */
}

static bool sweep(struct metal_guest* guest, uint32_t lvt, uint32_t last, bool from_guest) {
    const uint32_t vector = lvt == APIC_NMI ? VECTOR_NMI : lvt;

    for (uint32_t ticks = 1; ticks < last; ticks++) {
        struct shot shot = {guest, lvt, ticks, from_guest};
        uint64_t before = metal_count(vector);

        if (ticks % 4 == 0)
            coop_guest_event(guest->guest, COOP_EVENT_POWER_BUTTON);
        /* The guest arms when it leaves next, which may be two rounds later if the monitor answers it at
         * once. */
        do {
            if (!metal_state_round(guest, fire, &shot, settle))
                return false;
        } while (from_guest && metal_state_report(guest)->arm);
        if (metal_count(vector) != before + 1) {
            metal_print("# %u ticks: vector %u came %u times\n", (uint64_t)ticks, (uint64_t)vector,
                        metal_count(vector) - before);
            return false;
        }
    }
    return true;
}

/* The way in with guests that take other ways than the state test's: no TSS of its own; segments that are
 * gone, four exceptions inside the passage, in which NMIs are not blocked. Some rounds are without an NMI:
 * else one round's would decide what the next goes through. */
static void sweep_other(struct metal_guest guest, uint32_t last) {
    metal_signal(true);
    for (uint32_t ticks = 1; ticks < last; ticks++) {
        if (metal_random() >> 63)
            CHECK_EQUAL(metal_guest_run(&guest), 0);
        uint64_t before = metal_count(VECTOR_NMI);

        metal_apic_arm(APIC_NMI, ticks);
        CHECK_EQUAL(metal_guest_run(&guest), 0);
        settle(NULL);
        CHECK_EQUAL(metal_count(VECTOR_NMI), before + 1);
    }
    CHECK(guest.parameters[PARAM_RESULT / 8] > 0);
    metal_guest_end(&guest);
}

/* One that comes before the guest runs is handled before it runs, also in the last instructions on the way.
 */
static void sweep_at_once(uint32_t last) {
    struct metal_guest guest = GUEST(turning);

    guest.parameters[PARAM_COUNT / 8] = 10 * last;
    turns = &guest.parameters[PARAM_RESULT / 8];
    metal_signal(true);
    for (uint32_t ticks = 1; ticks < last; ticks++) {
        uint64_t before = metal_count(VECTOR_NMI), turns_before = *turns;

        metal_apic_arm(APIC_NMI, ticks);
        CHECK_EQUAL(metal_guest_run(&guest), 0);
        settle(NULL);
        CHECK_EQUAL(metal_count(VECTOR_NMI), before + 1);
        CHECK(turns_before_nmi - turns_before <= ticks); /* a turn is more than one instruction */
    }
    CHECK(*turns > last);
    turns = NULL;
    metal_guest_end(&guest);
}

/* The last stay of a guest that ends inside the passage. Whether the NMI came in there, or in the guest. */
static bool shoot_ending(const struct metal_ending* ending, uint32_t ticks) {
    struct metal_guest guest = metal_ending_begin(ending);
    const uint64_t before = metal_count(VECTOR_NMI);

    metal_apic_arm(APIC_NMI, ticks);
    for (unsigned stay = 0; stay < 3 && metal_guest_run(&guest) == 0; stay++)
        continue;
    settle(NULL);
    CHECK_EQUAL(metal_count(VECTOR_NMI), before + 1);
    const bool forwarded = metal_guest_stats(&guest).nmis_forwarded > 0;
    metal_ending_end(ending, &guest);
    return forwarded;
}

/* A new guest for each NMI: by larger steps until it is no longer before the passage, then until it is
 * behind. */
static void sweep_ending(const struct metal_ending* ending) {
    enum { STEP = 32 };
    const uint32_t last = (uint32_t)metal_option("ticks", 2000);
    uint32_t ticks = STEP;

    metal_signal(true);
    while (!shoot_ending(ending, ticks) && ticks < last)
        ticks += STEP;
    CHECK(ticks < last);
    for (ticks -= STEP - 1; !shoot_ending(ending, ticks); ticks++)
        continue;
    while (shoot_ending(ending, ++ticks))
        continue;
}

static void sweeps(uint32_t lvt, uint32_t passes) {
    const uint64_t seed = metal_option("seed", 1);
    const uint32_t last = (uint32_t)metal_option("ticks", 760);
    struct metal_guest guest = metal_state_begin(seed);
    bool good = true;

    strangers = 0;
    for (uint32_t pass = 0; good && pass < passes; pass++)
        good = sweep(&guest, lvt, last, false) && sweep(&guest, lvt, last, true);
    CHECK(good);
    CHECK_EQUAL(strangers, 0);
    CHECK(metal_state_report(&guest)->events > 0);
    metal_state_end(&guest);
}

void case_nmi_sweep(void) {
    metal_handle(VECTOR_NMI, count);
    sweeps(APIC_NMI, (uint32_t)metal_option("passes", 12));
    for (unsigned pass = 0; pass < 10; pass++) {
        sweep_other(GUEST(no_tss), (uint32_t)metal_option("ticks", 760));
        sweep_other(GUEST(segments_going), (uint32_t)metal_option("ticks", 1000));
    }
    for (unsigned pass = 0; pass < 2; pass++) {
        sweep_other(GUEST(answered), (uint32_t)metal_option("ticks", 1600));
        sweep_other(GUEST(int_storm), (uint32_t)metal_option("ticks", 1000));
    }
    sweep_at_once((uint32_t)metal_option("ticks", 760));
    for (unsigned i = 0; i < METAL_ENDINGS; i++)
        sweep_ending(&metal_endings[i]);
    metal_handle(VECTOR_NMI, NULL);
}

/* This one needs its end. */
static void count_interrupt(struct metal_frame* frame) {
    metal_apic_end();
    strangers += !metal_arrived_whole(frame, 0);
}

void case_interrupt_sweep(void) {
    metal_handle(VECTOR_SWEEP, count_interrupt);
    sweeps(VECTOR_SWEEP, (uint32_t)metal_option("passes", 12));
}
