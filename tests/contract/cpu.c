// SPDX-License-Identifier: GPL-2.0-only
/* Critical sections, kicks, guest time. */
#include "contract.h"

static void sections(void) {
    enum { ROUNDS = 1000 };
    unsigned i;

    CONTRACT_CHECK(!contract_interrupts_off());
    for (i = 0; i < ROUNDS; i++) {
        uint32_t cpu = coop_host_critical_begin(), then;
        bool off = contract_interrupts_off();

        then = contract_this_cpu();
        coop_host_critical_end();
        if (cpu >= contract_cpus() || then != cpu || !off || contract_interrupts_off())
            break;
    }
    CONTRACT_CHECK(i == ROUNDS);
}

/* What is due meanwhile is not taken here. */
struct visitor {
    uint32_t cpu, came;
};

static void visit(void* context) {
    struct visitor* visitor = context;

    visitor->cpu = contract_this_cpu();
    contract_add(&visitor->came);
}

static void nothing_comes_inside(void) {
    struct visitor visitor = {0, 0};
    struct coop_host_timer* timer = coop_host_timer_create(visit, &visitor);
    uint32_t cpu;

    CONTRACT_CHECK(timer);
    if (!timer)
        return;
    cpu = coop_host_critical_begin();
    coop_host_timer_arm(timer, CONTRACT_MS);
    contract_spin(10 * CONTRACT_MS);
    CONTRACT_CHECK(contract_this_cpu() == cpu);
    CONTRACT_CHECK(contract_interrupts_off());
    CONTRACT_CHECK(!contract_load(&visitor.came) || visitor.cpu != cpu);
    coop_host_critical_end();
    CONTRACT_CHECK(contract_sleep_until(&visitor.came, 1));
    coop_host_timer_destroy(timer);
}

/* Other interrupts may be pending too, so one section without any is enough. */
static bool some_section_without_one(void) {
    enum { TRIES = 1000 };
    bool pending = true;
    unsigned i;

    for (i = 0; i < TRIES && pending; i++) {
        coop_host_critical_begin();
        pending = contract_interrupt_pending();
        coop_host_critical_end();
        coop_host_yield();
    }
    return !pending;
}

static void interrupts_oneself(void) {
    uint32_t cpu;

    CONTRACT_CHECK(some_section_without_one());
    coop_host_critical_begin();
    coop_host_interrupt_self();
    CONTRACT_CHECK(contract_spin_until_interrupt());
    CONTRACT_CHECK(contract_interrupts_off());
    coop_host_critical_end();
    CONTRACT_CHECK(some_section_without_one()); /* it was taken */

    cpu = coop_host_critical_begin();
    coop_host_kick(cpu);
    CONTRACT_CHECK(contract_spin_until_interrupt());
    coop_host_critical_end();
    CONTRACT_CHECK(some_section_without_one());
}

/* A second CPU in a critical section, where it waits for an interrupt. */
struct other {
    uint32_t cpu, ready, release, kicked;
};

static void wait_for_kick(void* argument) {
    struct other* other = argument;

    other->cpu = coop_host_critical_begin();
    contract_store(&other->ready, 1);
    contract_store(&other->kicked, contract_spin_until_interrupt());
    coop_host_critical_end();
}

static void kick_it(void* argument) {
    coop_host_kick(((struct other*)argument)->cpu);
}

static void kicks_another(bool from_interrupt) {
    struct other other = {0, 0, 0, 0};

    if (!contract_thread_start(wait_for_kick, &other))
        return;
    CONTRACT_CHECK(contract_sleep_until(&other.ready, 1));
    if (from_interrupt) {
        contract_in_interrupt(kick_it, &other);
    } else {
        uint32_t cpu = coop_host_critical_begin();

        CONTRACT_CHECK(cpu != other.cpu);
        kick_it(&other);
        coop_host_critical_end();
    }
    contract_thread_join();
    CONTRACT_CHECK(other.kicked);
}

static void wait_for_release(void* argument) {
    struct other* other = argument;

    other->cpu = coop_host_critical_begin();
    contract_store(&other->ready, 1);
    contract_spin_until(&other->release, 1);
    coop_host_critical_end();
}

static void by_nmi(uint32_t cpu) {
    uint64_t before = contract_nmis(cpu), begin = coop_host_time_ns();

    coop_host_kick_nmi(cpu);
    while (contract_nmis(cpu) == before && coop_host_time_ns() - begin < CONTRACT_PATIENCE)
        __builtin_ia32_pause();
    CONTRACT_CHECK(contract_nmis(cpu) > before);
}

static void by_nmi_from_interrupt(void* argument) {
    by_nmi(*(uint32_t*)argument);
}

/* Interrupts off do not keep it away. */
static void kicks_by_nmi(void) {
    struct other other = {0, 0, 0, 0};
    uint32_t cpu;

    if (!contract_kicks_by_nmi())
        return;
    cpu = coop_host_critical_begin();
    by_nmi(cpu);
    CONTRACT_CHECK(contract_interrupts_off());
    coop_host_critical_end();
    contract_in_interrupt(by_nmi_from_interrupt, &cpu);
    if (!contract_thread_start(wait_for_release, &other))
        return;
    CONTRACT_CHECK(contract_sleep_until(&other.ready, 1));
    by_nmi(other.cpu);
    contract_store(&other.release, 1);
    contract_thread_join();
}

static void kick_everybody(void* argument) {
    uint32_t cpu;

    for (cpu = 0; cpu < contract_cpus(); cpu++)
        coop_host_kick(cpu);
    contract_add(argument);
}

static void kicks_are_harmless(void) {
    enum { ROUNDS = 100 };
    uint32_t rounds = 0;
    unsigned i;

    for (i = 0; i < ROUNDS; i++) {
        kick_everybody(&rounds);
        coop_host_critical_begin();
        kick_everybody(&rounds);
        CONTRACT_CHECK(contract_interrupts_off());
        coop_host_critical_end();
    }
    contract_in_interrupt(kick_everybody, &rounds);
    CONTRACT_CHECK(rounds == 2 * ROUNDS + 1);
}

static void guest_time(void) {
    enum { ROUNDS = 100 };
    unsigned i;

    for (i = 0; i < ROUNDS; i++) {
        uint32_t cpu = coop_host_critical_begin();

        coop_host_guest_time_begin();
        CONTRACT_CHECK(contract_interrupts_off() && contract_this_cpu() == cpu);
        coop_host_guest_time_end();
        coop_host_guest_time_begin();
        coop_host_guest_time_end();
        CONTRACT_CHECK(contract_interrupts_off() && contract_this_cpu() == cpu);
        coop_host_critical_end();
    }
}

/* A thread that should return to user space leaves a guest at once, though it has not yielded since. */
static void signal_before_a_section(void) {
    contract_signal(true);
    coop_host_critical_begin();
    CONTRACT_CHECK(contract_spin_until_interrupt());
    coop_host_critical_end();
    contract_signal(false);
    CONTRACT_CHECK(some_section_without_one());
}

/* Nor does a thread that others wait for keep its CPU, though they have come since it yielded. */
static void others_due_before_a_section(void) {
    enum { TRIES = 10 };
    bool asked = false;
    unsigned i;

    for (i = 0; i < TRIES && !asked; i++) {
        if (!contract_rival_start())
            return;
        coop_host_critical_begin();
        /* It can have been let in before that, by an interrupt. */
        asked = !contract_rival_ran();
        if (asked)
            CONTRACT_CHECK(contract_spin_until_interrupt());
        coop_host_critical_end();
        contract_rival_join();
    }
    CONTRACT_CHECK(asked);
    CONTRACT_CHECK(some_section_without_one());
}

void contract_cpu(void) {
    sections();
    nothing_comes_inside();
    interrupts_oneself();
    kicks_another(false);
    kicks_another(true);
    kicks_by_nmi();
    kicks_are_harmless();
    guest_time();
    signal_before_a_section();
    others_due_before_a_section();
}
