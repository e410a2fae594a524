// SPDX-License-Identifier: GPL-2.0-only
/* coop_host_time_ns: goes on, never back, also from one CPU to the other and where interrupts are off. */
#include "contract.h"

static void never_back(void) {
    enum { READINGS = 10000 };
    uint64_t last = coop_host_time_ns(), now, back = 0;
    unsigned i;

    for (i = 0; i < READINGS; i++) {
        now = coop_host_time_ns();
        back += now < last;
        last = now;
    }
    CONTRACT_CHECK(back == 0);
}

static bool goes_on(void) {
    enum { READINGS = 50000000 };
    uint64_t begin = coop_host_time_ns();
    unsigned i;

    for (i = 0; i < READINGS; i++) {
        if (coop_host_time_ns() != begin)
            return coop_host_time_ns() > begin;
        __builtin_ia32_pause();
    }
    return false;
}

static void in_interrupt(void* argument) {
    never_back();
    *(uint64_t*)argument = coop_host_time_ns();
}

/* Two threads take turns: odd turns are the second's. */
enum { TURNS = 200 };
struct relay {
    uint64_t time;
    uint32_t turn, back;
};

static void run_relay(struct relay* relay, uint32_t mine) {
    uint64_t now;

    for (; mine < TURNS; mine += 2) {
        if (!contract_sleep_until(&relay->turn, mine))
            return;
        now = coop_host_time_ns();
        relay->back += now < relay->time;
        relay->time = now;
        contract_add(&relay->turn);
    }
}

static void second(void* argument) {
    run_relay(argument, 1);
}

static void same_on_two_cpus(void) {
    struct relay relay = {0, 0, 0};

    if (!contract_thread_start(second, &relay))
        return;
    run_relay(&relay, 0);
    contract_thread_join();
    CONTRACT_CHECK(relay.turn == TURNS);
    CONTRACT_CHECK(relay.back == 0);
}

void contract_time(void) {
    uint64_t before, there = 0;

    if (!goes_on()) {
        CONTRACT_CHECK(!"time goes on");
        return; /* everything else waits by it */
    }
    never_back();
    coop_host_critical_begin();
    never_back();
    CONTRACT_CHECK(goes_on());
    coop_host_critical_end();

    before = coop_host_time_ns();
    contract_in_interrupt(in_interrupt, &there);
    CONTRACT_CHECK(there >= before);
    CONTRACT_CHECK(coop_host_time_ns() >= there);
    same_on_two_cpus();
}
