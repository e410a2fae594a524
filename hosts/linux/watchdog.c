// SPDX-License-Identifier: GPL-2.0-only
/*
 * The beat that lets the core find vCPUs which keep interrupts off.
 *
 * Such a vCPU also stops the timers of the CPU it runs on, so every online CPU has one of its own while
 * guests exist; whichever comes first calls the core. A CPU hotplug state starts and stops them, on present
 * CPUs and on those that come and go.
 */
#include <linux/atomic.h>
#include <linux/cpuhotplug.h>
#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/percpu.h>

#include "shim.h"

#define PERIOD_NS (100 * NSEC_PER_MSEC)
#define SLACK_NS (10 * NSEC_PER_MSEC) /* lets the beats share wake-ups with other timers */

static DEFINE_PER_CPU(struct hrtimer, beat);
static enum cpuhp_state hotplug_state;
static atomic_t busy = ATOMIC_INIT(0);
static u64 last_ns; /* written by the holder of busy */

static enum hrtimer_restart expire(struct hrtimer* timer) {
    u64 now = ktime_get_ns();

    if (!atomic_xchg_acquire(&busy, 1)) {
        if (now - last_ns >= PERIOD_NS - SLACK_NS) {
            last_ns = now;
            coop_core_watchdog();
        }
        atomic_set_release(&busy, 0);
    }
    hrtimer_forward_now(timer, ns_to_ktime(PERIOD_NS));
    return HRTIMER_RESTART;
}

static int cpu_up(unsigned int cpu) {
    struct hrtimer* timer = this_cpu_ptr(&beat);

#if COOP_PROBE_HRTIMER_SETUP
    hrtimer_setup(timer, expire, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
#else
    hrtimer_init(timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
    timer->function = expire;
#endif
    hrtimer_start_range_ns(timer, ns_to_ktime(PERIOD_NS), SLACK_NS, HRTIMER_MODE_REL_PINNED_HARD);
    return 0;
}

static int cpu_down_prepare(unsigned int cpu) {
    hrtimer_cancel(per_cpu_ptr(&beat, cpu));
    return 0;
}

int coop_watchdog_start(void) {
    int state = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "coop/watchdog:online", cpu_up, cpu_down_prepare);

    if (state < 0) {
        return state;
    }
    hotplug_state = state;
    return 0;
}

void coop_watchdog_stop(void) {
    cpuhp_remove_state(hotplug_state);
}
