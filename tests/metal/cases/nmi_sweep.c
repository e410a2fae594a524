// SPDX-License-Identifier: GPL-2.0-only
/*
 * An NMI at every instruction of a switch, in each direction; and an ordinary interrupt likewise. With QEMU's
 * -icount the APIC's timer expires after a number of instructions: round after round one more, from the host
 * on its way in and from the guest on its way out. Each must reach the host's handler exactly once, in the
 * host's world, and no register may have changed. Which instructions were hit, nmi_coverage.py and
 * interrupt_coverage.py read from QEMU's own log of interrupts.
 */
#include "control_registers.h"
#include "state_session.h"

enum { VECTOR_SWEEP = 0x45 };

struct shot {
    struct metal_guest* guest;
    uint32_t lvt, ticks;
    bool from_guest;
};

static uint64_t host_cr3[STATE_VARIANTS], strangers;
/* Where a guest counts its turns; and their number when the NMI reached the host. */
static const volatile uint64_t* turns;
static uint64_t turns_before_nmi;

/* The host's world must be whole by now: its own stack of this vector, and its address space. */
static void count(struct metal_frame* frame) {
    const uint64_t cr3 = read_cr3() & CR3_ADDRESS;
    bool own_stack = false;

    for (unsigned i = 0; i < TSS_COUNT; i++)
        own_stack |= metal_tss[i].ist[IST_NMI - 1] - (uint64_t)frame < IST_BYTES;
    if (!own_stack || frame->cs != KERNEL_CS)
        strangers++;
    /* The interrupted code is the host's; its stack may be the passage's, which the host has mapped too (E1).
     */
    if (frame->rip < IMAGE_BASE)
        strangers++;
    if (cr3 != host_cr3[0] && cr3 != host_cr3[1])
        strangers++;
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

static void sweeps(uint32_t lvt, uint32_t passes) {
    const uint64_t seed = metal_option("seed", 1);
    const uint32_t last = (uint32_t)metal_option("ticks", 760);
    struct metal_guest guest = metal_state_begin(seed);
    bool good = true;

    strangers = 0;
    metal_state_roots(host_cr3);
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
    sweep_at_once((uint32_t)metal_option("ticks", 760));
    metal_handle(VECTOR_NMI, NULL);
}

/* The host's world must be whole here too, and this one needs its end. */
static void count_interrupt(struct metal_frame* frame) {
    const uint64_t cr3 = read_cr3() & CR3_ADDRESS;

    metal_apic_end();
    if ((cr3 != host_cr3[0] && cr3 != host_cr3[1]) || frame->cs != KERNEL_CS || frame->rip < IMAGE_BASE ||
        (uint64_t)frame < IMAGE_BASE)
        strangers++;
}

void case_interrupt_sweep(void) {
    metal_handle(VECTOR_SWEEP, count_interrupt);
    sweeps(VECTOR_SWEEP, (uint32_t)metal_option("passes", 12));
}
