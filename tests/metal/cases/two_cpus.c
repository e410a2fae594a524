// SPDX-License-Identifier: GPL-2.0-only
/* What takes a second CPU: the watchdog, kicks from afar, guests at the same time, a vCPU that moves. */
#include "case.h"

static bool stop;

static void watch(void* unused) {
    enum { BEAT_US = 1000 };

    (void)unused;
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
        coop_core_watchdog();
        metal_delay_us(BEAT_US);
    }
}

/* A guest that keeps interrupts off is ended by the watchdog's NMI; one that lets them in is not. */
void case_evicted(void) {
    struct metal_guest stuck = GUEST(stuck), good = GUEST(unknown_doorbells);
    uint64_t nmis = metal_count(VECTOR_NMI);

    stop = false;
    metal_smp_call(watch, NULL);
    CHECK_EQUAL(metal_guest_run(&stuck), COOP_END_STUCK);
    CHECK(stuck.run.rip - stuck.gpa - GUEST_CODE < PAGE_BYTES);
    /* One of the watchdog's may have come too late to find the guest there. */
    CHECK(metal_guest_stats(&stuck).nmis_forwarded >= 1);
    CHECK(metal_guest_stats(&stuck).nmis_forwarded <= metal_count(VECTOR_NMI) - nmis);
    good.parameters[PARAM_COUNT / 8] = 5000;
    CHECK_EQUAL(metal_guest_run(&good), COOP_END_POWEROFF);
    __atomic_store_n(&stop, true, __ATOMIC_RELEASE);
    metal_smp_wait();
    metal_guest_end(&stuck);
    metal_guest_end(&good);
}

static void kill_it(void* guest) {
    metal_delay_us(1000);
    CHECK_EQUAL(coop_guest_end(guest, COOP_END_KILLED), 0);
}

void case_killed_from_afar(void) {
    for (unsigned i = 0; i < 20; i++) {
        struct metal_guest guest = GUEST(spin);

        metal_smp_call(kill_it, guest.guest);
        CHECK_EQUAL(metal_guest_run(&guest), COOP_END_KILLED);
        metal_smp_wait();
        metal_guest_end(&guest);
    }
}

static void run(void* guest) {
    metal_guest_run(guest);
}

void case_side_by_side_on_two(void) {
    struct metal_guest first = GUEST(unknown_doorbells), second = GUEST(events);

    first.parameters[PARAM_COUNT / 8] = 20000;
    second.parameters[PARAM_COUNT / 8] = 20;
    second.parameters[PARAM_TICKS / 8] = metal_tsc_khz();
    metal_smp_call(run, &first);
    run(&second);
    metal_smp_wait();
    CHECK_EQUAL(first.run.end, COOP_END_POWEROFF);
    CHECK_EQUAL(second.run.end, COOP_END_POWEROFF);
    metal_guest_end(&first);
    metal_guest_end(&second);
}

/* One vCPU, by turns on either CPU. */
void case_migration(void) {
    struct metal_guest guest = GUEST(yielding);
    const uint64_t rounds = 500;

    metal_signal(true);
    for (uint64_t i = 0; i < rounds; i++) {
        metal_smp_call(run, &guest);
        metal_smp_wait();
        CHECK_EQUAL(guest.status, -COOP_E_INTERRUPTED);
        run(&guest);
        CHECK_EQUAL(guest.status, -COOP_E_INTERRUPTED);
    }
    CHECK(guest.parameters[PARAM_RESULT / 8] >= rounds);
    metal_guest_end(&guest);
}
