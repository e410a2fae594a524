// SPDX-License-Identifier: GPL-2.0-only
/*
 * Time, KTIMERs and executive timers. A KTIMER is the driver's memory without an end of its life that we see,
 * so the high-resolution timers behind them are ours, and belong to one for as long as it is set.
 */
#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/timekeeping.h>

#include "double.h"
#include "dpc.h"
#include "probes.h"
#include "timer.h"

#define UNIT_NS 100
#define SLOTS 256

static void prepare(struct hrtimer* timer, enum hrtimer_restart (*expire)(struct hrtimer*)) {
#if COOP_PROBE_HRTIMER_SETUP
    hrtimer_setup(timer, expire, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
#else
    hrtimer_init(timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
    timer->function = expire;
#endif
}

/* due: 100 ns units from now if negative; absolute ones are not modelled. */
static ktime_t delay(s64 due) {
    if (due > 0) {
        double_complaint("a timer with an absolute time");
    }
    return due >= 0 ? 0 : ns_to_ktime(min_t(u64, -(u64)due, KTIME_MAX / UNIT_NS) * UNIT_NS);
}

/* --- KTIMER --- */

struct slot {
    struct hrtimer timer;
    struct nt_timer* owner; /* NULL: free */
};

static struct slot slots[SLOTS];
static DEFINE_RAW_SPINLOCK(lock);

static enum hrtimer_restart expire(struct hrtimer* hrtimer) {
    struct slot* slot = container_of(hrtimer, struct slot, timer);
    struct nt_timer* timer;
    unsigned long flags;
    u32 period = 0;

    raw_spin_lock_irqsave(&lock, flags);
    timer = slot->owner;
    if (timer) {
        period = timer->period;
        if (!period) {
            slot->owner = NULL;
            tally_given_back(TALLY_timers);
        }
        dispatcher_signal(&timer->header);
        /* Once a timer is cancelled its DPC is either queued or will not be. */
        if (timer->dpc) {
            dpc_queue(timer->dpc, NULL, NULL);
        }
    }
    raw_spin_unlock_irqrestore(&lock, flags);
    if (!period) {
        return HRTIMER_NORESTART;
    }
    hrtimer_forward_now(hrtimer, ms_to_ktime(period));
    return HRTIMER_RESTART;
}

/* With the lock held. A slot is free once its callback is done, too. */
static struct slot* slot_of(struct nt_timer* timer) {
    unsigned int i;

    for (i = 0; i < SLOTS; i++) {
        if (slots[i].owner == timer) {
            return &slots[i];
        }
    }
    return NULL;
}

static bool stop(struct nt_timer* timer) {
    struct slot* slot = slot_of(timer);

    if (!slot) {
        return false;
    }
    /* A callback under way finds no owner. */
    hrtimer_try_to_cancel(&slot->timer);
    slot->owner = NULL;
    tally_given_back(TALLY_timers);
    return true;
}

static struct slot* free_slot(void) {
    unsigned int i;

    for (i = 0; i < SLOTS; i++) {
        if (!slots[i].owner && !hrtimer_active(&slots[i].timer)) {
            return &slots[i];
        }
    }
    return NULL;
}

NT_EXPORT(void, KeInitializeTimerEx, struct nt_timer* timer, int32_t type) {
    *timer = (struct nt_timer){};
    dispatcher_init(&timer->header, NT_TIMER_MANUAL + type, false);
}

NT_EXPORT(void, KeInitializeTimer, struct nt_timer* timer) {
    nt_KeInitializeTimerEx(timer, 0);
}

struct setting {
    struct slot* slot;
    struct nt_timer* timer;
    ktime_t delay;
};

static void start(void* data) {
    struct setting* setting = data;
    unsigned long flags;

    raw_spin_lock_irqsave(&lock, flags);
    if (setting->slot->owner == setting->timer) {
        hrtimer_start(&setting->slot->timer, setting->delay, HRTIMER_MODE_REL_PINNED_HARD);
    }
    raw_spin_unlock_irqrestore(&lock, flags);
}

/* On the CPU that its DPC is aimed at, as in NT. */
static void start_there(struct setting* setting, const struct nt_dpc* dpc) {
    int cpu = dpc && dpc->target >= NT_DPC_TARGETED ? dpc->target - NT_DPC_TARGETED : -1;

    if (cpu < 0 || irqs_disabled() || smp_call_function_single(cpu, start, setting, true)) {
        start(setting);
    }
}

NT_EXPORT(uint8_t, KeSetTimerEx, struct nt_timer* timer, int64_t due, int32_t period, struct nt_dpc* dpc) {
    struct setting setting = {.timer = timer, .delay = delay(due)};
    unsigned long flags;
    bool was_set;

    raw_spin_lock_irqsave(&lock, flags);
    was_set = stop(timer);
    setting.slot = free_slot();
    if (setting.slot) {
        timer->header.signalled = 0;
        timer->dpc = dpc;
        timer->period = period;
        setting.slot->owner = timer;
        tally_taken(TALLY_timers);
    } else {
        double_complaint("more than %u timers at once", SLOTS);
    }
    raw_spin_unlock_irqrestore(&lock, flags);
    if (setting.slot) {
        start_there(&setting, dpc);
    }
    return was_set;
}

NT_EXPORT(uint8_t, KeSetTimer, struct nt_timer* timer, int64_t due, struct nt_dpc* dpc) {
    return nt_KeSetTimerEx(timer, due, 0, dpc);
}

NT_EXPORT(uint8_t, KeSetCoalescableTimer, struct nt_timer* timer, int64_t due, uint32_t period,
          uint32_t tolerance, struct nt_dpc* dpc) {
    return nt_KeSetTimerEx(timer, due, period, dpc);
}

NT_EXPORT(uint8_t, KeCancelTimer, struct nt_timer* timer) {
    unsigned long flags;
    bool was_set;

    raw_spin_lock_irqsave(&lock, flags);
    was_set = stop(timer);
    raw_spin_unlock_irqrestore(&lock, flags);
    return was_set;
}

/* --- Executive timers --- */

struct ex_timer {
    struct hrtimer timer;
    struct nt_dpc dpc;
    void(NT_CALL* callback)(struct ex_timer* timer, void* context);
    void* context;
    s64 period; /* 100 ns units */
};

static void NT_CALL call_back(struct nt_dpc* dpc, void* context, void* first, void* second) {
    struct ex_timer* timer = context;

    timer->callback(timer, timer->context);
}

static enum hrtimer_restart expire_ex(struct hrtimer* hrtimer) {
    struct ex_timer* timer = container_of(hrtimer, struct ex_timer, timer);
    s64 period = READ_ONCE(timer->period);

    dpc_queue(&timer->dpc, NULL, NULL);
    if (!period) {
        return HRTIMER_NORESTART;
    }
    hrtimer_forward_now(hrtimer, ns_to_ktime(period * UNIT_NS));
    return HRTIMER_RESTART;
}

NT_EXPORT(struct ex_timer*, ExAllocateTimer, void(NT_CALL* callback)(struct ex_timer*, void*), void* context,
          uint32_t attributes) {
    struct ex_timer* timer = kzalloc(sizeof(*timer), GFP_ATOMIC);

    if (timer) {
        prepare(&timer->timer, expire_ex);
        nt_KeInitializeDpc(&timer->dpc, call_back, timer);
        timer->callback = callback;
        timer->context = context;
        tally_taken(TALLY_timers);
    }
    return timer;
}

/* Whether it was waiting to expire, or for its callback. */
static bool stop_ex(struct ex_timer* timer) {
    bool was_set = hrtimer_try_to_cancel(&timer->timer) == 1;

    return nt_KeRemoveQueueDpc(&timer->dpc) || was_set;
}

NT_EXPORT(uint8_t, ExSetTimer, struct ex_timer* timer, int64_t due, int64_t period, const void* parameters) {
    bool was_set = stop_ex(timer);

    WRITE_ONCE(timer->period, period);
    hrtimer_start(&timer->timer, delay(due), HRTIMER_MODE_REL_PINNED_HARD);
    return was_set;
}

NT_EXPORT(uint8_t, ExCancelTimer, struct ex_timer* timer, const void* parameters) {
    return stop_ex(timer);
}

NT_EXPORT(uint8_t, ExDeleteTimer, struct ex_timer* timer, uint8_t cancel, uint8_t wait,
          const void* parameters) {
    bool was_set;

    if (!cancel || !wait) {
        double_complaint("ExDeleteTimer without Cancel and Wait");
    }
    was_set = hrtimer_cancel(&timer->timer) == 1;
    nt_KeFlushQueuedDpcs();
    kfree(timer);
    tally_given_back(TALLY_timers);
    return was_set;
}

/* --- Time --- */

static u64 interrupt_time(void) {
    return ktime_get_ns() / UNIT_NS;
}

NT_EXPORT(uint64_t, KeQueryInterruptTime, void) {
    return interrupt_time();
}

NT_EXPORT(uint64_t, KeQueryInterruptTimePrecise, uint64_t* counter) {
    *counter = ktime_get_ns();
    return interrupt_time();
}

NT_EXPORT(int64_t, KeQueryPerformanceCounter, int64_t* frequency) {
    if (frequency) {
        *frequency = NSEC_PER_SEC;
    }
    vectors_spoil();
    return ktime_get_ns();
}

/* Linux's are as fine as its hardware, always. */
NT_EXPORT(uint32_t, ExSetTimerResolution, uint32_t wanted, uint8_t set) {
    return wanted;
}

NT_EXPORT(uint32_t, KeQueryTimeIncrement, void) {
    return TICK_NSEC / UNIT_NS;
}

NT_EXPORT(void, KeStallExecutionProcessor, uint32_t microseconds) {
    udelay(microseconds);
}

void timer_load(void) {
    unsigned int i;

    for (i = 0; i < SLOTS; i++) {
        prepare(&slots[i].timer, expire);
    }
}

void timer_unload(void) {
    unsigned int i;

    for (i = 0; i < SLOTS; i++) {
        hrtimer_cancel(&slots[i].timer);
    }
}
