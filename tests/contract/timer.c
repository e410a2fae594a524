// SPDX-License-Identifier: GPL-2.0-only
/* Timers: once, not early, as last armed; not after a cancel; and none runs on after its destroy. */
#include "contract.h"

struct alarm {
    struct coop_host_timer* timer;
    uint64_t at;      /* of the last callback */
    uint64_t lasts;   /* how long a callback takes */
    uint32_t entered; /* callbacks begun, and ended */
    uint32_t left;
    uint32_t interruptible; /* callbacks with interrupts on */
};

static void rings(void* context) {
    struct alarm* alarm = context;

    alarm->at = coop_host_time_ns();
    alarm->interruptible += !contract_interrupts_off();
    contract_add(&alarm->entered);
    if (alarm->lasts)
        contract_spin(alarm->lasts);
    contract_add(&alarm->left);
}

static bool create(struct alarm* alarm) {
    *alarm = (struct alarm){NULL, 0, 0, 0, 0, 0};
    alarm->timer = coop_host_timer_create(rings, alarm);
    CONTRACT_CHECK(alarm->timer);
    return alarm->timer;
}

/* What must be quick is tried so often. */
enum { TRIES = 10 };

static void once_and_not_early(struct alarm* alarm, uint64_t delay) {
    uint32_t before = contract_load(&alarm->left);
    uint64_t begin = coop_host_time_ns();

    coop_host_timer_arm(alarm->timer, delay);
    CONTRACT_CHECK(contract_sleep_until(&alarm->left, before + 1));
    CONTRACT_CHECK(alarm->at >= begin + delay);
    contract_sleep(2 * delay + 5 * CONTRACT_MS);
    CONTRACT_CHECK(contract_load(&alarm->entered) == before + 1);
}

/*
 * Armed for first and then for again, at once; once more if it was not at once. The interrupts are off so
 * that nothing comes between, at least here.
 */
static void armed_again(struct alarm* alarm, uint64_t first, uint64_t again) {
    uint32_t before = contract_load(&alarm->left);
    uint64_t begin, between = 0;
    unsigned tries;

    for (tries = 0; tries < TRIES; tries++) {
        coop_host_critical_begin();
        begin = coop_host_time_ns();
        coop_host_timer_arm(alarm->timer, first);
        between = coop_host_time_ns();
        coop_host_timer_arm(alarm->timer, again);
        if (coop_host_time_ns() - begin < first)
            break;
        coop_host_critical_end();
        coop_host_timer_cancel(alarm->timer);
        contract_sleep(first + again);
        before = contract_load(&alarm->left);
    }
    CONTRACT_CHECK(tries < TRIES);
    if (tries == TRIES)
        return;
    coop_host_critical_end();
    CONTRACT_CHECK(contract_sleep_until(&alarm->left, before + 1));
    CONTRACT_CHECK(alarm->at >= between + again);
    contract_sleep(first + again);
    CONTRACT_CHECK(contract_load(&alarm->entered) == before + 1);
}

/* True if nothing came although there was time; false if that says nothing, since the end came too late. */
static bool ended_in_time(struct alarm* alarm, void (*end)(struct coop_host_timer*)) {
    const uint64_t delay = 20 * CONTRACT_MS;
    uint32_t before = contract_load(&alarm->left);
    uint64_t begin = coop_host_time_ns();
    bool in_time;

    coop_host_timer_arm(alarm->timer, delay);
    end(alarm->timer);
    in_time = coop_host_time_ns() - begin < delay;
    contract_sleep(3 * delay);
    if (in_time)
        CONTRACT_CHECK(contract_load(&alarm->entered) == before);
    return in_time;
}

static void cancel_in_section(struct coop_host_timer* timer) {
    coop_host_critical_begin();
    coop_host_timer_cancel(timer);
    CONTRACT_CHECK(contract_interrupts_off());
    coop_host_critical_end();
}

static void cancel_it(void* timer) {
    coop_host_timer_cancel(timer);
}

static void cancel_in_interrupt(struct coop_host_timer* timer) {
    contract_in_interrupt(cancel_it, timer);
}

static void arm_soon(void* timer) {
    coop_host_timer_arm(timer, CONTRACT_MS);
}

/* Armed for later, and from an interrupt for sooner. */
static void armed_in_interrupt(struct alarm* alarm) {
    uint32_t before = contract_load(&alarm->left);
    uint64_t begin = coop_host_time_ns();

    coop_host_timer_arm(alarm->timer, 2 * CONTRACT_PATIENCE);
    contract_in_interrupt(arm_soon, alarm->timer);
    CONTRACT_CHECK(contract_sleep_until(&alarm->left, before + 1));
    CONTRACT_CHECK(alarm->at >= begin + CONTRACT_MS);
    contract_sleep(5 * CONTRACT_MS);
    CONTRACT_CHECK(contract_load(&alarm->entered) == before + 1);
    coop_host_timer_cancel(alarm->timer);
}

static void two_at_a_time(struct alarm* alarm) {
    uint32_t before = contract_load(&alarm->left);
    struct alarm other;

    if (!create(&other))
        return;
    coop_host_timer_arm(alarm->timer, 4 * CONTRACT_MS);
    coop_host_timer_arm(other.timer, 2 * CONTRACT_MS);
    CONTRACT_CHECK(contract_sleep_until(&other.left, 1));
    CONTRACT_CHECK(contract_sleep_until(&alarm->left, before + 1));
    coop_host_timer_destroy(other.timer);
}

/* Armed by a second CPU, where its callback may run beside the destroy. */
static void arm_it(void* argument) {
    struct alarm* alarm = argument;

    coop_host_timer_arm(alarm->timer, 0);
    contract_sleep_until(&alarm->left, 1);
}

static void destroy_waits(void) {
    struct alarm alarm;

    if (!create(&alarm))
        return;
    alarm.lasts = 10 * CONTRACT_MS;
    if (!contract_thread_start(arm_it, &alarm)) {
        coop_host_timer_destroy(alarm.timer);
        return;
    }
    CONTRACT_CHECK(contract_sleep_until(&alarm.entered, 1));
    coop_host_timer_destroy(alarm.timer);
    CONTRACT_CHECK(contract_load(&alarm.left) == 1);
    contract_thread_join();
}

void contract_timer(void) {
    struct alarm alarm;
    uint32_t before;
    unsigned i;

    if (!create(&alarm))
        return;
    once_and_not_early(&alarm, 0);
    once_and_not_early(&alarm, CONTRACT_MS);
    once_and_not_early(&alarm, 10 * CONTRACT_MS);
    armed_again(&alarm, 20 * CONTRACT_MS, 50 * CONTRACT_MS);
    armed_again(&alarm, 50 * CONTRACT_MS, 20 * CONTRACT_MS);
    coop_host_timer_cancel(alarm.timer); /* not armed */
    for (i = 0; i < TRIES && !ended_in_time(&alarm, coop_host_timer_cancel); i++)
        ;
    CONTRACT_CHECK(i < TRIES);
    for (i = 0; i < TRIES && !ended_in_time(&alarm, cancel_in_section); i++)
        ;
    CONTRACT_CHECK(i < TRIES);
    for (i = 0; i < TRIES && !ended_in_time(&alarm, cancel_in_interrupt); i++)
        ;
    CONTRACT_CHECK(i < TRIES);
    armed_in_interrupt(&alarm);

    before = contract_load(&alarm.left);
    coop_host_timer_arm(alarm.timer, ~0ull);
    contract_sleep(5 * CONTRACT_MS);
    coop_host_timer_cancel(alarm.timer);
    CONTRACT_CHECK(contract_load(&alarm.entered) == before);
    CONTRACT_CHECK(alarm.interruptible == 0);
    two_at_a_time(&alarm);
    /* The last end: it is destroyed while armed. */
    ended_in_time(&alarm, coop_host_timer_destroy);
    destroy_waits();
}
