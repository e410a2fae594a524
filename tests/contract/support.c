// SPDX-License-Identifier: GPL-2.0-only
/* What the cases share: waiting, and a visit to interrupt context. Nothing here waits for ever if time goes
 * on; and that it does is asked first. */
#include "contract.h"

bool contract_zeroed(const volatile void* at, uint64_t bytes) {
    const volatile uint64_t* words = at;
    const volatile uint8_t* rest = (const volatile uint8_t*)at + bytes / 8 * 8;
    uint64_t any = 0, i;

    for (i = 0; i < bytes / 8; i++)
        any |= words[i];
    for (i = 0; i < bytes % 8; i++)
        any |= rest[i];
    return any == 0;
}

/* A clock that stands still for so many readings is broken; the end of it must not depend on it. */
enum { READINGS = 50000000 };

struct patience {
    uint64_t begin, ns, last;
    uint32_t still;
};

static struct patience patience_for(uint64_t ns) {
    uint64_t now = coop_host_time_ns();

    return (struct patience){now, ns, now, 0};
}

static bool patience_ends(struct patience* p) {
    uint64_t now = coop_host_time_ns();

    __builtin_ia32_pause();
    p->still = now == p->last ? p->still + 1 : 0;
    p->last = now;
    if (p->still < READINGS)
        return now - p->begin >= p->ns;
    CONTRACT_CHECK(!"time stands still");
    return true;
}

void contract_sleep(uint64_t ns) {
    struct patience p = patience_for(ns);

    while (!patience_ends(&p))
        coop_host_yield();
}

void contract_spin(uint64_t ns) {
    struct patience p = patience_for(ns);

    while (!patience_ends(&p))
        ;
}

bool contract_sleep_until(const uint32_t* word, uint32_t value) {
    struct patience p = patience_for(CONTRACT_PATIENCE);

    while (contract_load(word) < value) {
        if (patience_ends(&p))
            return false;
        coop_host_yield();
    }
    return true;
}

bool contract_spin_until(const uint32_t* word, uint32_t value) {
    struct patience p = patience_for(CONTRACT_PATIENCE);

    while (contract_load(word) < value) {
        if (patience_ends(&p))
            return false;
    }
    return true;
}

bool contract_spin_until_interrupt(void) {
    struct patience p = patience_for(CONTRACT_PATIENCE);

    while (!contract_interrupt_pending()) {
        if (patience_ends(&p))
            return false;
    }
    return true;
}

struct visit {
    void (*function)(void* argument);
    void* argument;
    uint32_t done;
};

static void visit(void* context) {
    struct visit* it = context;

    it->function(it->argument);
    contract_store(&it->done, 1);
}

void contract_in_interrupt(void (*function)(void* argument), void* argument) {
    struct visit it = {function, argument, 0};
    struct coop_host_timer* timer = coop_host_timer_create(visit, &it);

    CONTRACT_CHECK(timer);
    if (!timer)
        return;
    coop_host_timer_arm(timer, 0);
    CONTRACT_CHECK(contract_sleep_until(&it.done, 1));
    coop_host_timer_destroy(timer);
}
