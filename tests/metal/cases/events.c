// SPDX-License-Identifier: GPL-2.0-only
/* Events into the guest, and the host's interrupts out of it. */
#include "case.h"

enum { MICROSECOND = 1000, MILLISECOND = 1000000 };

void case_events(void) {
    const uint64_t count = 200;
    struct metal_guest guest = GUEST(events);

    guest.parameters[PARAM_COUNT / 8] = count;
    guest.parameters[PARAM_TICKS / 8] = metal_tsc_khz() / 10;
    CHECK_EQUAL(metal_guest_run(&guest), COOP_END_POWEROFF);
    CHECK(guest.parameters[PARAM_EVENTS / 8] >= count);
    CHECK(metal_guest_stats(&guest).events_injected >= count);
    CHECK(metal_guest_stats(&guest).interrupts_forwarded >= count);
    CHECK(metal_guest_stats(&guest).wait_ns > 0);
    metal_guest_end(&guest);
}

/* All that the guest has is a user's too, which CR4 without SMEP and SMAP allows. */
static void give_to_user_mode(struct metal_guest* guest) {
    enum { TABLES = 6, USER = 4 };
    uint64_t* tables = (uint64_t*)(guest->ram + GUEST_TABLES);

    for (unsigned i = 0; i < TABLES * 512; i++)
        tables[i] |= tables[i] ? USER : 0;
}

void case_user_events(void) {
    const uint64_t count = 50;
    struct metal_guest guest = GUEST(user_events);

    metal_signal(true);
    CHECK_EQUAL(metal_guest_run(&guest), 0);
    metal_signal(false);
    guest.parameters[PARAM_COUNT / 8] = count;
    guest.parameters[PARAM_TICKS / 8] = metal_tsc_khz() / 10;
    guest.parameters[PARAM_ARGUMENT / 8] = metal_own_tables(&guest, guest.gpa, true);
    give_to_user_mode(&guest);
    CHECK_EQUAL(metal_guest_run(&guest), COOP_END_POWEROFF);
    CHECK_EQUAL(guest.parameters[PARAM_EVENTS / 8], count);
    CHECK(guest.parameters[PARAM_RESULT / 8] > 0);
    metal_guest_end(&guest);
}

void case_self_interrupt(void) {
    const uint64_t count = 50;
    struct metal_guest guest = GUEST(self_interrupt);

    guest.parameters[PARAM_COUNT / 8] = count;
    guest.parameters[PARAM_TICKS / 8] = metal_tsc_khz() / 10;
    CHECK_EQUAL(metal_guest_run(&guest), COOP_END_POWEROFF);
    CHECK_EQUAL(guest.parameters[PARAM_RESULT / 8], count);
    CHECK(metal_guest_stats(&guest).self_interrupts >= count);
    metal_guest_end(&guest);
}

static void press(void* guest) {
    CHECK_EQUAL(coop_guest_event(guest, COOP_EVENT_POWER_BUTTON), 0);
}

/* From an interrupt, while the vCPU's thread waits. */
void case_power_button(void) {
    struct metal_guest guest = GUEST(wait);

    metal_guest_start(&guest);
    struct coop_host_timer* timer = metal_after(2 * MILLISECOND, press, guest.guest);
    CHECK_EQUAL(metal_guest_run(&guest), COOP_END_POWEROFF);
    CHECK_EQUAL(guest.parameters[PARAM_RESULT / 8], COOP_EVENT_POWER_BUTTON);
    coop_host_timer_destroy(timer);
    metal_guest_end(&guest);
}

static void kill_it(void* guest) {
    CHECK_EQUAL(coop_guest_end(guest, COOP_END_POWEROFF), -COOP_E_INVALID);
    CHECK_EQUAL(coop_guest_end(guest, COOP_END_KILLED), 0);
}

/* An APIC timer that is armed again by each of its interrupts. One may still come when beating ends. */
static uint64_t beats;
static bool beating;

static void beat_again(uint32_t lvt) {
    beats++;
    if (beating)
        metal_apic_arm(lvt, (uint32_t)metal_apic_khz() / 20);
}

static void begin_beating(uint32_t lvt) {
    beats = 0;
    beating = true;
    metal_apic_arm(lvt, (uint32_t)metal_apic_khz() / 20);
}

static void end_beating(uint32_t lvt) {
    beating = false;
    metal_apic_arm(lvt, 0);
}

static void beat(struct metal_frame* frame) {
    (void)frame;
    metal_apic_end();
    beat_again(VECTOR_TEST);
}

/* A host interrupt while the guest spins is handled by the host's handler once, at once. */
static void interrupt(struct metal_guest guest) {
    uint64_t begin = metal_tsc();

    metal_handle(VECTOR_TEST, beat);
    metal_signal(true);
    begin_beating(VECTOR_TEST);
    while (beats < 200 && metal_tsc() - begin < 20000 * metal_tsc_khz())
        CHECK_EQUAL(metal_guest_run(&guest), 0);
    end_beating(VECTOR_TEST);
    CHECK(beats >= 200);
    CHECK(metal_guest_stats(&guest).interrupts_forwarded >= beats / 4);
    CHECK(metal_guest_stats(&guest).interrupts_forwarded <= beats);
    CHECK(guest.parameters[PARAM_RESULT / 8] > 0);
    metal_guest_end(&guest);
}

void case_host_interrupts(void) {
    interrupt(GUEST(spin));
    interrupt(GUEST(spin_own_gdt));
}

static void beat_by_nmi(struct metal_frame* frame) {
    (void)frame;
    beat_again(APIC_NMI);
}

/* The APIC's timer as a source of NMIs: QEMU's timer honours the delivery mode in its vector register. */
void case_nmi_in_guest(void) {
    struct metal_guest guest = GUEST(spin);

    metal_handle(VECTOR_NMI, beat_by_nmi);
    metal_signal(true);
    begin_beating(APIC_NMI);
    while (beats < 200)
        metal_guest_run(&guest);
    end_beating(APIC_NMI);
    CHECK(metal_guest_stats(&guest).nmis_forwarded >= 50);
    CHECK(metal_guest_stats(&guest).nmis_forwarded <= 200);
    CHECK_EQUAL(metal_guest_stats(&guest).interrupts_forwarded, 0);
    metal_guest_end(&guest);
}

/* Two guests take turns on one CPU. */
void case_side_by_side(void) {
    struct metal_guest calls = GUEST(yielding), events = GUEST(events);
    uint64_t last = 0;

    events.parameters[PARAM_COUNT / 8] = 20;
    events.parameters[PARAM_TICKS / 8] = metal_tsc_khz() / 10;
    metal_signal(true);
    while (metal_guest_run(&events) == 0) {
        CHECK_EQUAL(metal_guest_run(&calls), 0);
        CHECK(calls.parameters[PARAM_RESULT / 8] >= last);
        last = calls.parameters[PARAM_RESULT / 8];
    }
    CHECK_EQUAL(events.run.end, COOP_END_POWEROFF);
    CHECK(last > 0);
    metal_guest_end(&calls);
    metal_guest_end(&events);
}

/* From an interrupt, while the guest runs. */
void case_killed(void) {
    struct metal_guest guest = GUEST(spin);
    struct coop_host_timer* timer = metal_after(2 * MILLISECOND, kill_it, guest.guest);

    CHECK_EQUAL(metal_guest_run(&guest), COOP_END_KILLED);
    coop_host_timer_destroy(timer);
    metal_guest_end(&guest);
}
