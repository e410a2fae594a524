// SPDX-License-Identifier: GPL-2.0-only
/* Mutexes: locked again and again by one thread, and never by two. */
#include "contract.h"

enum { ROUNDS = 2000 };
struct contest {
    struct coop_host_mutex* mutex;
    uint32_t held, trying, inside;
    volatile uint32_t count;
};

static void count(struct contest* contest) {
    unsigned i, slowly;

    for (i = 0; i < ROUNDS; i++) {
        uint32_t seen;

        coop_host_mutex_lock(contest->mutex);
        seen = contest->count;
        for (slowly = 0; slowly < 20; slowly++)
            __builtin_ia32_pause();
        contest->count = seen + 1;
        coop_host_mutex_unlock(contest->mutex);
    }
}

static void second(void* argument) {
    struct contest* contest = argument;

    contract_sleep_until(&contest->held, 1);
    contract_store(&contest->trying, 1);
    coop_host_mutex_lock(contest->mutex);
    contract_store(&contest->inside, 1);
    coop_host_mutex_unlock(contest->mutex);
    count(contest);
}

static void excludes(struct contest* contest) {
    if (!contract_thread_start(second, contest))
        return;
    coop_host_mutex_lock(contest->mutex);
    contract_store(&contest->held, 1);
    CONTRACT_CHECK(contract_spin_until(&contest->trying, 1));
    contract_spin(5 * CONTRACT_MS);
    CONTRACT_CHECK(!contract_load(&contest->inside));
    coop_host_mutex_unlock(contest->mutex);
    count(contest);
    contract_thread_join();
    CONTRACT_CHECK(contract_load(&contest->inside));
    CONTRACT_CHECK(contest->count == 2 * ROUNDS);
}

void contract_mutex(void) {
    struct contest contest = {coop_host_mutex_create(), 0, 0, 0, 0};
    struct coop_host_mutex* other = coop_host_mutex_create();

    CONTRACT_CHECK(contest.mutex && other);
    if (contest.mutex && other) {
        coop_host_mutex_lock(contest.mutex);
        coop_host_mutex_lock(other); /* each its own */
        coop_host_mutex_unlock(contest.mutex);
        coop_host_mutex_unlock(other);
        count(&contest);
        CONTRACT_CHECK(contest.count == ROUNDS);
        contest.count = 0;
        excludes(&contest);
        CONTRACT_CHECK(!contract_interrupts_off());
    }
    if (contest.mutex)
        coop_host_mutex_destroy(contest.mutex);
    if (other)
        coop_host_mutex_destroy(other);
}
