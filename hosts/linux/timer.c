// SPDX-License-Identifier: GPL-2.0-only
/* Time and timers of the host contract: high-resolution timers that expire in hard interrupt context, also on
 * a real-time kernel. */
#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/slab.h>

#include "shim.h"

struct coop_host_timer {
    struct hrtimer timer;
    void (*callback)(void* context);
    void* context;
};

static enum hrtimer_restart expire(struct hrtimer* hrtimer) {
    struct coop_host_timer* timer = container_of(hrtimer, struct coop_host_timer, timer);

    timer->callback(timer->context);
    return HRTIMER_NORESTART;
}

uint64_t coop_host_time_ns(void) {
    return ktime_get_ns();
}

struct coop_host_timer* coop_host_timer_create(void (*callback)(void* context), void* context) {
    struct coop_host_timer* timer = kzalloc(sizeof(*timer), GFP_KERNEL);

    if (!timer) {
        return NULL;
    }
    timer->callback = callback;
    timer->context = context;
#if COOP_PROBE_HRTIMER_SETUP
    hrtimer_setup(&timer->timer, expire, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
#else
    hrtimer_init(&timer->timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
    timer->timer.function = expire;
#endif
    return timer;
}

void coop_host_timer_destroy(struct coop_host_timer* timer) {
    if (timer) {
        hrtimer_cancel(&timer->timer);
        kfree(timer);
    }
}

void coop_host_timer_arm(struct coop_host_timer* timer, uint64_t delay_ns) {
    hrtimer_start(&timer->timer, ns_to_ktime(min_t(u64, delay_ns, KTIME_MAX)), HRTIMER_MODE_REL_HARD);
}

void coop_host_timer_cancel(struct coop_host_timer* timer) {
    hrtimer_try_to_cancel(&timer->timer);
}
