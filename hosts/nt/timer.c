// SPDX-License-Identifier: GPL-2.0-only
/*
 * Timers of the host contract. The deadline is the truth: the host's timer only makes somebody look at it, so
 * it may come early, late or once too often, and cancelling is nothing but to forget the deadline.
 */
#include "shim.h"

#define NEVER (~0ull)
#define LONGEST_NS (1ull << 60)
#define NS_PER_UNIT 100

struct coop_host_timer {
    struct coop_alarm* alarm;
    volatile LONG64 deadline_ns;
    KDPC set; /* with interrupts off the host's timer cannot be set */
    void (*callback)(void* context);
    void* context;
};

/* Returns the deadline that it was set for. */
static uint64_t set_alarm(struct coop_host_timer* timer) {
    uint64_t deadline = timer->deadline_ns;
    uint64_t now = coop_host_time_ns();

    if (deadline != NEVER) {
        coop_alarm_set(timer->alarm, deadline > now ? (deadline - now + NS_PER_UNIT - 1) / NS_PER_UNIT : 1);
    }
    return deadline;
}

/*
 * The newest deadline wins: another CPU may have set the alarm for it since the older one was read here. Only
 * where destroy waits for the end, as it does for DPCs and the alarm's callback.
 */
static void set_alarm_at_last(struct coop_host_timer* timer) {
    while (set_alarm(timer) != (uint64_t)timer->deadline_ns) {
    }
}

static VOID NTAPI set_alarm_now(PKDPC dpc, PVOID context, PVOID first, PVOID second) {
    UNREFERENCED_PARAMETER(dpc);
    UNREFERENCED_PARAMETER(first);
    UNREFERENCED_PARAMETER(second);
    set_alarm_at_last(context);
}

/* The callback gets what host.h promises, an interrupt's context. */
static void expire(void* context) {
    struct coop_host_timer* timer = context;
    uint64_t deadline = timer->deadline_ns;

    if (deadline == NEVER) {
        return;
    }
    if (coop_host_time_ns() < deadline) {
        set_alarm_at_last(timer);
        return;
    }
    if ((uint64_t)InterlockedCompareExchange64(&timer->deadline_ns, NEVER, deadline) == deadline) {
        coop_cpu_disable();
        timer->callback(timer->context);
        coop_cpu_enable();
    }
}

struct coop_host_timer* coop_host_timer_create(void (*callback)(void* context), void* context) {
    struct coop_host_timer* timer = coop_host_alloc(sizeof(*timer));

    if (!timer) {
        return NULL;
    }
    timer->deadline_ns = NEVER;
    timer->callback = callback;
    timer->context = context;
    KeInitializeDpc(&timer->set, set_alarm_now, timer);
    KeSetImportanceDpc(&timer->set, HighImportance);
    timer->alarm = coop_alarm_create(expire, timer);
    if (!timer->alarm) {
        coop_host_free(timer);
        return NULL;
    }
    return timer;
}

void coop_host_timer_destroy(struct coop_host_timer* timer) {
    if (timer) {
        coop_host_timer_cancel(timer);
        KeFlushQueuedDpcs(); /* the alarm is not set again after that */
        coop_alarm_destroy(timer->alarm);
        coop_host_free(timer);
    }
}

struct arming {
    struct coop_host_timer* timer;
    uint64_t delay_ns;
};

static void arm(void* argument) {
    struct arming* arming = argument;

    InterlockedExchange64(&arming->timer->deadline_ns,
                          coop_host_time_ns() + min(arming->delay_ns, LONGEST_NS));
    if (coop_cpu_interrupts_off()) {
        KeInsertQueueDpc(&arming->timer->set, NULL, NULL);
    } else {
        set_alarm(arming->timer);
    }
}

void coop_host_timer_arm(struct coop_host_timer* timer, uint64_t delay_ns) {
    struct arming arming = {timer, delay_ns};

    coop_keep_vectors(arm, &arming);
}

void coop_host_timer_cancel(struct coop_host_timer* timer) {
    InterlockedExchange64(&timer->deadline_ns, NEVER);
}
