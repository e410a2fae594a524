// SPDX-License-Identifier: GPL-2.0-only
/*
 * Timers of the host contract: one list for all CPUs, unsorted. Who arms a timer sets its own APIC timer to
 * the earliest of all; an expiry too many does no harm.
 */
#include "lock.h"
#include "metal.h"
#include "ports.h"

struct coop_host_timer {
    void (*callback)(void* context);
    void* context;
    uint64_t deadline; /* nanoseconds; NEVER: not armed */
    bool running;
    struct coop_host_timer* next;
};
#define NEVER UINT64_MAX

static struct coop_host_timer* timers;
static struct metal_lock lock;

/* Context: lock held. */
static void set_hardware(void) {
    uint64_t earliest = NEVER, now = coop_host_time_ns();

    for (struct coop_host_timer* timer = timers; timer; timer = timer->next)
        earliest = timer->deadline < earliest ? timer->deadline : earliest;
    if (earliest == NEVER)
        return;
    const uint64_t longest_ns = 1000000000;
    uint64_t delay = earliest > now ? earliest - now : 0;
    uint64_t ticks = (delay < longest_ns ? delay : longest_ns) * metal_apic_khz() / 1000000;
    metal_apic_arm(VECTOR_TIMER, ticks < UINT32_MAX ? (uint32_t)ticks + 1 : UINT32_MAX);
}

static struct coop_host_timer* take_due(void) {
    uint64_t now = coop_host_time_ns();
    struct coop_host_timer* timer = timers;

    while (timer && (timer->deadline > now || timer->running))
        timer = timer->next;
    if (timer) {
        timer->deadline = NEVER;
        timer->running = true;
    }
    return timer;
}

static void expire(struct metal_frame* frame) {
    struct coop_host_timer* timer;

    (void)frame;
    metal_apic_end();
    lock_take(&lock);
    while ((timer = take_due())) {
        lock_release(&lock);
        timer->callback(timer->context);
        lock_take(&lock);
        timer->running = false;
    }
    set_hardware();
    lock_release(&lock);
}

struct coop_host_timer* coop_host_timer_create(void (*callback)(void* context), void* context) {
    struct coop_host_timer* timer = coop_host_alloc(sizeof(*timer));

    if (!timer)
        return NULL;
    *timer = (struct coop_host_timer){.callback = callback, .context = context, .deadline = NEVER};
    metal_handle(VECTOR_TIMER, expire);

    uint64_t flags = interrupts_save();
    lock_take(&lock);
    timer->next = timers;
    timers = timer;
    lock_release(&lock);
    interrupts_restore(flags);
    return timer;
}

static void set_deadline(struct coop_host_timer* timer, uint64_t deadline) {
    uint64_t flags = interrupts_save();

    lock_take(&lock);
    timer->deadline = deadline;
    if (deadline != NEVER)
        set_hardware();
    lock_release(&lock);
    interrupts_restore(flags);
}

void coop_host_timer_arm(struct coop_host_timer* timer, uint64_t delay_ns) {
    uint64_t now = coop_host_time_ns();

    set_deadline(timer, delay_ns < NEVER - now ? now + delay_ns : NEVER - 1);
}

void coop_host_timer_cancel(struct coop_host_timer* timer) {
    set_deadline(timer, NEVER);
}

void coop_host_timer_destroy(struct coop_host_timer* timer) {
    if (!timer)
        return;
    set_deadline(timer, NEVER);
    while (__atomic_load_n(&timer->running, __ATOMIC_ACQUIRE))
        __builtin_ia32_pause();

    uint64_t flags = interrupts_save();
    lock_take(&lock);
    struct coop_host_timer** link = &timers;
    while (*link != timer)
        link = &(*link)->next;
    *link = timer->next;
    lock_release(&lock);
    interrupts_restore(flags);
    coop_host_free(timer);
}
