// SPDX-License-Identifier: GPL-2.0-only
/* Doorbells and their answers. */
#include "case.h"

void case_hello(void) {
    struct metal_guest guest = GUEST(hello);
    uint64_t position = 0;
    char log[16] = "";

    CHECK_EQUAL(metal_guest_run(&guest), COOP_END_POWEROFF);
    CHECK_EQUAL(coop_guest_log(guest.guest, &position, log, sizeof(log)), 6);
    CHECK(memcmp(log, "hello\n", 6) == 0);
    CHECK_EQUAL(metal_guest_stats(&guest).switches, 2);
    metal_guest_end(&guest);
}

void case_unknown_doorbells(void) {
    const uint64_t count = 20000;
    struct metal_guest guest = GUEST(unknown_doorbells);

    guest.parameters[PARAM_COUNT / 8] = count;
    CHECK_EQUAL(metal_guest_run(&guest), COOP_END_POWEROFF);
    /* An entry given up for the host's timer or the like is a switch too. */
    CHECK(metal_guest_stats(&guest).switches >= count + 1);
    CHECK_EQUAL(metal_guest_stats(&guest).doorbells[15], count);
    metal_guest_end(&guest);
}

void case_notify(void) {
    static const struct {
        uint64_t device, queue, answer, signals;
    } rows[] = {{1, 2, 0, 1},
                {1, 0, (uint64_t)-COOP_E_NO_DEVICE, 0},
                {1, COOP_MAX_QUEUES + 8, (uint64_t)-COOP_E_NO_DEVICE, 0},
                {COOP_MAX_DEVICES, 2, (uint64_t)-COOP_E_NO_DEVICE, 0}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct metal_guest guest = GUEST(notify);
        struct coop_host_notifier* notifier = metal_notifier_create();

        /* The core owns it from here on. */
        CHECK_EQUAL(coop_guest_set_notifier(guest.guest, 1, 2, notifier), 0);
        guest.parameters[PARAM_ARGUMENT / 8] = rows[i].device;
        guest.parameters[PARAM_COUNT / 8] = rows[i].queue;
        CHECK_EQUAL(metal_guest_run(&guest), COOP_END_POWEROFF);
        CHECK_EQUAL(guest.parameters[PARAM_RESULT / 8], rows[i].answer);
        CHECK_EQUAL(metal_notifier_signals(notifier), rows[i].signals);
        metal_guest_end(&guest);
    }
}

/* Requests that are refused leave nothing behind; what they leave, run_cases.c sees. */
void case_refusals(void) {
    const struct coop_create good = {
        .name = "refused", .ram_bytes = 2 * GUEST_RUN_BYTES, .runs = {GUEST_RUN_BYTES}, .vcpus = 1};
    struct coop_create request = good;
    struct coop_guest *guest, *second;

    request.name[0] = '/';
    CHECK_EQUAL(coop_guest_create(&request, &guest), -COOP_E_INVALID);
    request = good;
    request.ram_bytes = GUEST_RUN_BYTES / 2;
    CHECK_EQUAL(coop_guest_create(&request, &guest), -COOP_E_INVALID);
    request = good;
    request.ram_bytes = 1ull << 40;
    CHECK_EQUAL(coop_guest_create(&request, &guest), -COOP_E_NO_MEMORY);

    CHECK_EQUAL(coop_guest_create(&good, &guest), 0);
    CHECK_EQUAL(coop_guest_create(&good, &second), -COOP_E_EXISTS);
    struct coop_run run = {0};
    CHECK_EQUAL(coop_guest_run(guest, &run), -COOP_E_INVALID);
    const struct coop_start start = {0};
    CHECK_EQUAL(coop_guest_start(guest, &start), -COOP_E_INVALID);
    coop_guest_destroy(guest);
}

/* Each of the host's answers on the way to a guest may be no; what that leaves behind, run_cases.c sees. */
void case_host_refuses(void) {
    const struct coop_create request = {
        .name = "refused", .ram_bytes = 2 * GUEST_RUN_BYTES, .runs = {GUEST_RUN_BYTES}, .vcpus = 1};
    uint64_t frames = metal_frames_taken(), number = 1;
    struct coop_guest* guest;

    for (;; number++) {
        metal_refuse(number);
        const int status = coop_guest_create(&request, &guest);
        if (!metal_refused()) {
            CHECK_EQUAL(status, 0);
            break;
        }
        CHECK(status == -COOP_E_NO_MEMORY || status == -COOP_E_TOO_BIG); /* the latter for a run */
        CHECK_EQUAL(metal_frames_taken(), frames);
    }
    metal_refuse(0);
    CHECK(number > 20); /* RAM, passage, page tables, save areas, objects */
    coop_guest_destroy(guest);
}

/* A pending signal brings the thread back at the next yield; the guest goes on afterwards where it was. */
void case_signal(void) {
    struct metal_guest guest = GUEST(yielding);

    metal_signal(true);
    for (uint64_t round = 1; round <= 100; round++) {
        CHECK_EQUAL(metal_guest_run(&guest), 0);
        CHECK_EQUAL(guest.status, -COOP_E_INTERRUPTED);
        if (guest.parameters[PARAM_RESULT / 8] > round)
            CHECK_EQUAL(guest.parameters[PARAM_RESULT / 8], round);
    }
    CHECK(guest.parameters[PARAM_RESULT / 8] > 90); /* an entry or two may have been given up */
    metal_guest_end(&guest);
}
