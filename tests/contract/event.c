// SPDX-License-Identifier: GPL-2.0-only
/* Events: one signal or many let one wait through, from any context, and none is lost. */
#include "contract.h"

/* Ends a wait that nobody else does. */
struct guard {
    struct coop_host_event* event;
    struct coop_host_timer* timer;
    uint32_t came;
};

static void guard_comes(void* context) {
    struct guard* guard = context;

    contract_store(&guard->came, 1);
    coop_host_event_signal(guard->event);
}

static bool guard_create(struct guard* guard) {
    guard->came = 0;
    guard->event = coop_host_event_create();
    guard->timer = coop_host_timer_create(guard_comes, guard);
    CONTRACT_CHECK(guard->event && guard->timer);
    return guard->event && guard->timer;
}

static void guard_destroy(struct guard* guard) {
    if (guard->timer)
        coop_host_timer_destroy(guard->timer);
    if (guard->event)
        coop_host_event_destroy(guard->event);
}

/* Waits; true if a signal let it through before the guard came after so long. */
static bool waits(struct guard* guard, uint64_t ns) {
    int status;

    contract_store(&guard->came, 0);
    coop_host_timer_arm(guard->timer, ns);
    status = coop_host_event_wait(guard->event);
    CONTRACT_CHECK(status == 0);
    CONTRACT_CHECK(!contract_interrupts_off());
    if (contract_load(&guard->came))
        return false;
    coop_host_timer_cancel(guard->timer);
    return true;
}

#define LONG CONTRACT_PATIENCE
#define SHORT (5 * CONTRACT_MS)

static void signal_it(void* event) {
    coop_host_event_signal(event);
}

static void lets_one_through(struct guard* guard) {
    CONTRACT_CHECK(!waits(guard, SHORT)); /* nothing yet; and a signal from an interrupt wakes */
    signal_it(guard->event);
    CONTRACT_CHECK(waits(guard, LONG));
    CONTRACT_CHECK(!waits(guard, SHORT));
    signal_it(guard->event);
    signal_it(guard->event);
    signal_it(guard->event);
    CONTRACT_CHECK(waits(guard, LONG));
    CONTRACT_CHECK(!waits(guard, SHORT));
}

static void from_any_context(struct guard* guard) {
    coop_host_critical_begin();
    signal_it(guard->event);
    CONTRACT_CHECK(contract_interrupts_off());
    coop_host_critical_end();
    CONTRACT_CHECK(waits(guard, LONG));
    contract_in_interrupt(signal_it, guard->event);
    CONTRACT_CHECK(waits(guard, LONG));
    CONTRACT_CHECK(!waits(guard, SHORT));
}

static void interrupted(struct guard* guard) {
    contract_signal(true);
    CONTRACT_CHECK(coop_host_event_wait(guard->event) == -COOP_E_INTERRUPTED);
    contract_signal(false);
    signal_it(guard->event);
    CONTRACT_CHECK(waits(guard, LONG));
}

/* A thread that waits already. */
struct waiter {
    struct coop_host_event* event;
    uint32_t ready, ended;
    int status;
};

static void wait_in_vain(void* argument) {
    struct waiter* waiter = argument;

    contract_store(&waiter->ready, 1);
    waiter->status = coop_host_event_wait(waiter->event);
    contract_store(&waiter->ended, 1);
}

static void interrupted_while_it_waits(struct guard* guard) {
    struct waiter waiter = {guard->event, 0, 0, 0};

    if (!contract_thread_start(wait_in_vain, &waiter))
        return;
    CONTRACT_CHECK(contract_sleep_until(&waiter.ready, 1));
    contract_sleep(4 * SHORT); /* it waits by now */
    CONTRACT_CHECK(!contract_load(&waiter.ended));
    contract_signal_second();
    if (!contract_sleep_until(&waiter.ended, 1)) {
        CONTRACT_CHECK(!"a signal ends a wait");
        signal_it(guard->event);
    }
    contract_thread_join();
    CONTRACT_CHECK(waiter.status == -COOP_E_INTERRUPTED);
    signal_it(guard->event);
    CONTRACT_CHECK(waits(guard, LONG));
    CONTRACT_CHECK(!waits(guard, SHORT));
}

/* Two threads answer each other; a lost signal would leave both waiting for their guards. */
struct game {
    struct guard first, second;
    uint32_t rallies, ended;
};
enum { RALLIES = 200 };

static void play(struct game* game, struct guard* mine, struct guard* other) {
    unsigned i;

    for (i = 0; i < RALLIES && !contract_load(&game->ended); i++) {
        if (!waits(mine, LONG)) {
            contract_store(&game->ended, 1);
            break;
        }
        contract_add(&game->rallies);
        coop_host_event_signal(other->event);
    }
}

static void second(void* argument) {
    struct game* game = argument;

    play(game, &game->second, &game->first);
}

static void between_threads(struct game* game) {
    game->rallies = game->ended = 0;
    if (!contract_thread_start(second, game))
        return;
    coop_host_event_signal(game->second.event);
    play(game, &game->first, &game->second);
    contract_thread_join();
    CONTRACT_CHECK(game->rallies == 2 * RALLIES);
}

void contract_event(void) {
    struct game game = {{NULL, NULL, 0}, {NULL, NULL, 0}, 0, 0};

    if (guard_create(&game.first) & guard_create(&game.second)) {
        lets_one_through(&game.first);
        from_any_context(&game.first);
        interrupted(&game.first);
        interrupted_while_it_waits(&game.first);
        between_threads(&game);
    }
    guard_destroy(&game.first);
    guard_destroy(&game.second);
}
