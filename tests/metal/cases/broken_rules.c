// SPDX-License-Identifier: GPL-2.0-only
/* Garbage in what host and guest share, and callers that do what they should not. */
#include "state_session.h"

/* A header that any process may have written: refused, or the guest's own memory is all that is used. */
void case_garbage_at_start(void) {
    struct metal_guest guest = GUEST(hello);
    struct coop_shared *shared = (void*)(guest.ram + GUEST_SHARED), good = *shared;
    const uint32_t any[] = {0, 1, 8, 64, PAGE_BYTES, GUEST_RUN_BYTES, 1u << 31, UINT32_MAX};

    for (unsigned i = 0; i < 2000; i++) {
        struct coop_start start = {guest.gpa + GUEST_CODE, guest.gpa + GUEST_PARAMETERS,
                                   guest.gpa + GUEST_SHARED};
        uint64_t* words = (uint64_t*)shared;

        *shared = good;
        switch (i % 4) {
        case 0: /* a bit of its first words: magic, version */
            words[i / 4 % 2] ^= i / 4 % 2 ? 1ull << (metal_random() >> 59) : 1ull << (metal_random() >> 58);
            break;
        case 1: /* the vCPU's page outside */
            shared->size = any[metal_random() >> 61];
            shared->vcpu_offset = shared->size - PAGE_BYTES + 8 + (uint32_t)(metal_random() & 0xff8);
            break;
        case 2: /* all of it */
            for (size_t word = 0; word < sizeof(good) / 8; word++)
                words[word] = metal_random();
            break;
        default: /* outside the guest's memory, or beyond its end */
            start.shared_gpa = guest.gpa + 2 * GUEST_RUN_BYTES - 32 + (metal_random() << 20);
        }
        if (coop_guest_start(guest.guest, &start) != -COOP_E_INVALID) {
            metal_print("# round %u\n", (uint64_t)i);
            CHECK(!"garbage refused");
            break;
        }
    }
    *shared = good;
    CHECK_EQUAL(metal_guest_run(&guest), COOP_END_POWEROFF);
    metal_guest_end(&guest);
}

/* The end is told as often as it is asked for, and nothing changes it. */
void case_run_again(void) {
    struct metal_guest guest = GUEST(undefined);
    struct coop_run first;

    CHECK_EQUAL(metal_guest_run(&guest), COOP_END_EXCEPTION);
    first = guest.run;
    const uint64_t switches = metal_guest_stats(&guest).switches;
    for (unsigned i = 0; i < 10; i++) {
        CHECK_EQUAL(coop_guest_event(guest.guest, COOP_EVENT_POWER_BUTTON), 0);
        CHECK_EQUAL(coop_guest_interrupt(guest.guest, 0), 0);
        CHECK_EQUAL(coop_guest_end(guest.guest, COOP_END_KILLED), 0);
        CHECK_EQUAL(metal_guest_run(&guest), COOP_END_EXCEPTION);
        CHECK(memcmp(&guest.run, &first, sizeof(first)) == 0);
    }
    CHECK_EQUAL(metal_guest_stats(&guest).switches, switches);
    const struct coop_start start = {guest.gpa + GUEST_CODE, guest.gpa + GUEST_PARAMETERS,
                                     guest.gpa + GUEST_SHARED};
    CHECK_EQUAL(coop_guest_start(guest.guest, &start), -COOP_E_BUSY);
    metal_guest_end(&guest);
}

static void run(void* guest) {
    metal_guest_run(guest);
}

static void run_often(void* argument) {
    struct metal_guest* guest = argument;
    struct coop_run request = {0};

    for (unsigned i = 0; i < 2000; i++) {
        int status = coop_guest_run(guest->guest, &request);
        CHECK(status == -COOP_E_BUSY || status == -COOP_E_INTERRUPTED);
    }
}

/* Two threads in one vCPU: one is told so. */
void case_two_threads(void) {
    struct metal_guest guest = GUEST(spin);
    struct coop_run request = {0};

    metal_smp_call(run, &guest);
    while (!guest.parameters[PARAM_RESULT / 8])
        __builtin_ia32_pause();
    for (unsigned i = 0; i < 1000; i++)
        CHECK_EQUAL(coop_guest_run(guest.guest, &request), -COOP_E_BUSY);
    CHECK_EQUAL(coop_guest_end(guest.guest, COOP_END_KILLED), 0);
    metal_smp_wait();
    CHECK_EQUAL(guest.run.end, COOP_END_KILLED);
    metal_guest_end(&guest);

    guest = GUEST(yielding);
    metal_guest_start(&guest);
    metal_signal(true);
    metal_smp_call(run_often, &guest);
    run_often(&guest);
    metal_smp_wait();
    CHECK(guest.parameters[PARAM_RESULT / 8] > 0);
    CHECK(guest.parameters[PARAM_RESULT / 8] <= metal_guest_stats(&guest).switches);
    metal_guest_end(&guest);
}

/* Ended here at any moment while it runs there, and destroyed as soon as that call has returned. */
void case_killed_there(void) {
    for (unsigned i = 0; i < 50; i++) {
        struct metal_guest guest = i % 2 ? GUEST(spin) : GUEST(unknown_doorbells);

        guest.parameters[PARAM_COUNT / 8] = UINT32_MAX;
        metal_guest_start(&guest);
        metal_smp_call(run, &guest);
        metal_delay_us(metal_random() >> 54);
        CHECK_EQUAL(coop_guest_end(guest.guest, COOP_END_KILLED), 0);
        metal_smp_wait();
        CHECK_EQUAL(guest.run.end, COOP_END_KILLED);
        metal_guest_end(&guest);
    }
}

static bool stop;
static void watch(void* unused) {
    (void)unused;
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
        coop_core_watchdog();
        metal_delay_us(1000);
    }
}

static void evict(struct metal_guest* guest) {
    stop = false;
    metal_smp_call(watch, NULL);
    CHECK_EQUAL(metal_guest_run(guest), COOP_END_STUCK);
    __atomic_store_n(&stop, true, __ATOMIC_RELEASE);
    metal_smp_wait();
}

/* With interrupts off in HLT, and at an address where the host has the passage. */
void case_evicted_anywhere(void) {
    extern const char coop_passage_start[];
    const uint64_t here = (uint64_t)coop_passage_start + 0x100;
    static const uint8_t jump_here[] = {0xeb, 0xfe};
    struct metal_guest guest = GUEST(halted);

    evict(&guest);
    CHECK_EQUAL(guest.parameters[PARAM_RESULT / 8], 0);
    metal_guest_end(&guest);

    guest = GUEST(own_tables);
    metal_signal(true);
    CHECK_EQUAL(metal_guest_run(&guest), 0);
    metal_signal(false);
    memcpy(guest.ram + here % GUEST_RUN_BYTES, jump_here, sizeof(jump_here));
    guest.parameters[PARAM_COUNT / 8] = here;
    guest.parameters[PARAM_ARGUMENT / 8] = metal_own_tables(&guest, here, true);
    evict(&guest);
    CHECK_EQUAL(guest.run.rip, here);
    metal_guest_end(&guest);
}

/* One word of the header: anything, nothing, or what could be an offset or a count. */
static void scribble_header(const struct metal_guest* guest) {
    uint64_t* words = (uint64_t*)(guest->ram + GUEST_SHARED);
    const uint64_t dice = metal_random(), value = metal_random();
    const uint64_t values[] = {value, 0, value & 0x1ff8, (value & 0x1ff8) << 32};

    __atomic_store_n(&words[(dice >> 32) % (sizeof(struct coop_shared) / 8)], values[dice >> 62],
                     __ATOMIC_RELAXED);
}

/* What the header says is read once, at START: garbage there later changes nothing. */
void case_header_forgotten(void) {
    struct metal_guest events = GUEST(events), notify = GUEST(notify);
    struct coop_host_notifier* notifier = metal_notifier_create();
    const uint64_t count = 20;

    CHECK_EQUAL(coop_guest_set_notifier(notify.guest, 1, 2, notifier), 0);
    notify.parameters[PARAM_ARGUMENT / 8] = 1;
    notify.parameters[PARAM_COUNT / 8] = 2;
    metal_guest_start(&notify);
    memset(notify.ram + GUEST_SHARED, 0, sizeof(struct coop_shared));
    CHECK_EQUAL(metal_guest_run(&notify), COOP_END_POWEROFF);
    CHECK_EQUAL(metal_notifier_signals(notifier), 1);
    metal_guest_end(&notify);

    events.parameters[PARAM_COUNT / 8] = count;
    events.parameters[PARAM_TICKS / 8] = metal_tsc_khz() / 10;
    metal_guest_start(&events);
    metal_signal(true);
    do
        scribble_header(&events);
    while (metal_guest_run(&events) == 0);
    CHECK_EQUAL(events.run.end, COOP_END_POWEROFF);
    CHECK(events.parameters[PARAM_EVENTS / 8] >= count);
    metal_guest_end(&events);
}

static void scribble(void* argument) {
    const struct metal_guest* guest = argument;
    struct coop_vcpu_page* page = guest->page;
    const uint64_t upcall = page->upcall_va;
    const uint64_t upcalls[] = {upcall, upcall, upcall, 0, 0x700000001000, 0x8000000000001000, ~0ull, upcall};

    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
        const uint64_t dice = metal_random();
        uint64_t* words = (uint64_t*)page;

        scribble_header(guest);
        if (dice % 64 == 0)
            __atomic_store_n(&page->upcall_va, upcalls[dice >> 61], __ATOMIC_RELAXED);
        else if (dice % 4 == 0) /* but upcall_va */
            __atomic_store_n(&words[(dice >> 32) % 2], metal_random(), __ATOMIC_RELAXED);
        else
            __atomic_store_n(&words[3 + (dice >> 32) % (sizeof(*page) / 8 - 3)], metal_random(),
                             __ATOMIC_RELAXED);
        metal_delay_us(dice >> 60);
    }
}

/* Garbage in the vCPU's page and the header while its guest rings, takes events and is entered: the guest may
 * end of it. */
void case_scribbled(void) {
    struct metal_guest neighbour = metal_state_begin(metal_seed());
    unsigned ended = 0;
    bool good = true;

    for (unsigned i = 0; good && i < 20; i++) {
        struct metal_guest guest = GUEST(flood);

        guest.parameters[PARAM_ARGUMENT / 8] = metal_random();
        good = metal_state_stay(&guest, NULL, NULL, NULL);
        stop = false;
        metal_smp_call(scribble, &guest);
        for (unsigned round = 0; good && guest.status != 0 && round < 500; round++)
            good = metal_state_stay(&guest, NULL, NULL, NULL);
        __atomic_store_n(&stop, true, __ATOMIC_RELEASE);
        metal_smp_wait();
        ended += guest.status == 0;
        CHECK(guest.status != 0 || guest.run.end == COOP_END_PANIC || guest.run.end == COOP_END_BAD_STATE);
        good = good && metal_state_round(&neighbour, NULL, NULL, NULL);
        metal_guest_end(&guest);
    }
    CHECK(good);
    CHECK(ended > 0);
    metal_state_end(&neighbour);
}

/* The contract has no offline CPUs: a thread is on one that runs. A vCPU outlives the going of the CPU it was
 * on. */
void case_cpu_leaves(void) {
    struct metal_guest guest = GUEST(yielding);

    metal_signal(true);
    for (unsigned i = 0; i < 5; i++) {
        metal_smp_call(run, &guest);
        metal_smp_wait();
        CHECK_EQUAL(guest.status, -COOP_E_INTERRUPTED);
        metal_smp_stop();
        CHECK_EQUAL(coop_guest_event(guest.guest, COOP_EVENT_POWER_BUTTON), 0);
        coop_core_watchdog();
        for (unsigned round = 0; round < 20; round++)
            CHECK_EQUAL(metal_guest_run(&guest), 0);
        CHECK(metal_smp_start());
    }
    CHECK(guest.parameters[PARAM_RESULT / 8] >= 5);
    metal_guest_end(&guest);
}
