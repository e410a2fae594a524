// SPDX-License-Identifier: GPL-2.0-only
/*
 * What threads wait for: events, timers, threads. A signal lets a waiter through by itself, as in NT, so an
 * auto-reset event is never seen signalled by someone who comes later.
 *
 * User APCs are signals: an alertable wait in user mode ends for any, a wait in user mode for one that kills,
 * a wait in kernel mode for none.
 */
#include <linux/hrtimer.h>
#include <linux/irqflags.h>
#include <linux/list.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/spinlock.h>
#include <linux/timekeeping.h>

#include "coop/host.h"
#include "double.h"

#define UNITS_FROM_1601_TO_1970 116444736000000000ll
#define UNIT_NS 100

struct waiter {
    struct list_head entry;
    struct nt_dispatcher* const* objects;
    unsigned int count;
    struct task_struct* task;
    int through; /* the object's index, or -1 */
};

static DEFINE_RAW_SPINLOCK(lock);
static LIST_HEAD(waiters);

void dispatcher_init(struct nt_dispatcher* object, uint8_t type, int32_t signalled) {
    *object = (struct nt_dispatcher){.type = type, .signalled = signalled};
    object->waiters.next = object->waiters.previous = &object->waiters;
}

static bool take(struct nt_dispatcher* object, struct task_struct* task) {
    struct nt_mutex* mutex = container_of(object, struct nt_mutex, header);

    if (object->type == NT_MUTEX) {
        if (object->signalled <= 0 && mutex->owner != task) {
            return false;
        }
        object->signalled--;
        mutex->owner = task;
        return true;
    }
    if (!object->signalled) {
        return false;
    }
    if (object->type == NT_EVENT_AUTO || object->type == NT_TIMER_AUTO) {
        object->signalled = 0;
    }
    return true;
}

/* The first of its objects that lets it through. */
static bool take_any(struct waiter* waiter) {
    unsigned int i;

    for (i = 0; i < waiter->count; i++) {
        if (take(waiter->objects[i], waiter->task)) {
            waiter->through = i;
            return true;
        }
    }
    return false;
}

/* With the lock held. */
static void let_through(void) {
    struct waiter *waiter, *next;

    list_for_each_entry_safe(waiter, next, &waiters, entry) {
        if (take_any(waiter)) {
            list_del_init(&waiter->entry);
            wake_up_process(waiter->task);
        }
    }
}

int32_t dispatcher_signal(struct nt_dispatcher* object) {
    unsigned long flags;
    s32 before;

    raw_spin_lock_irqsave(&lock, flags);
    before = object->signalled;
    object->signalled = 1;
    let_through();
    raw_spin_unlock_irqrestore(&lock, flags);
    return before;
}

static bool interrupted(u8 mode, bool alertable) {
    return mode == NT_USER_MODE && (alertable ? signal_pending(current) : fatal_signal_pending(current));
}

/* As time from now on. */
static ktime_t relative(s64 timeout) {
    if (timeout > 0) {
        timeout = ktime_get_real_ns() / UNIT_NS + UNITS_FROM_1601_TO_1970 - timeout;
    }
    return timeout >= 0 ? 0 : ns_to_ktime(min_t(u64, -(u64)timeout, KTIME_MAX / 2 / UNIT_NS) * UNIT_NS);
}

static bool may_wait(const s64* timeout) {
    if (timeout && !*timeout) {
        return true;
    }
    if (irql_now() < NT_DISPATCH_LEVEL && !irqs_disabled() && !in_interrupt()) {
        return true;
    }
    double_complaint("a wait at level %u, interrupts %s", irql_now(), irqs_disabled() ? "off" : "on");
    return false;
}

static s32 wait(struct waiter* waiter, u8 mode, bool alertable, const s64* timeout) {
    unsigned int state = mode == NT_USER_MODE ? (alertable ? TASK_INTERRUPTIBLE : TASK_KILLABLE) : TASK_IDLE;
    ktime_t until = timeout ? ktime_add(ktime_get(), relative(*timeout)) : KTIME_MAX;
    s32 status = NT_SUCCESS;
    unsigned long flags;

    if (!may_wait(timeout)) {
        return NT_UNSUCCESSFUL;
    }
    /* NT switches threads whenever it must; here a driver that never waits long is asked to let others run.
     */
    if (irql_now() < NT_DISPATCH_LEVEL && !irqs_disabled() && !in_interrupt()) {
        coop_host_yield();
    }
    raw_spin_lock_irqsave(&lock, flags);
    INIT_LIST_HEAD(&waiter->entry);
    if (!take_any(waiter)) {
        list_add_tail(&waiter->entry, &waiters);
    }
    while (waiter->through < 0 && status == NT_SUCCESS) {
        if (interrupted(mode, alertable)) {
            status = NT_USER_APC;
        } else if (timeout && ktime_compare(ktime_get(), until) >= 0) {
            status = NT_TIMEOUT;
        } else {
            set_current_state(state);
            raw_spin_unlock_irqrestore(&lock, flags);
            schedule_hrtimeout(timeout ? &until : NULL, HRTIMER_MODE_ABS);
            raw_spin_lock_irqsave(&lock, flags);
        }
    }
    list_del(&waiter->entry);
    raw_spin_unlock_irqrestore(&lock, flags);
    return status ?: waiter->through;
}

int32_t dispatcher_wait(struct nt_dispatcher* object, uint8_t mode, bool alertable, const int64_t* timeout) {
    struct waiter waiter = {.objects = &object, .count = 1, .task = current, .through = -1};

    return wait(&waiter, mode, alertable, timeout);
}

NT_EXPORT(int32_t, KeWaitForSingleObject, struct nt_dispatcher* object, int32_t reason, uint8_t mode,
          uint8_t alertable, const int64_t* timeout) {
    return dispatcher_wait(object, mode, alertable, timeout);
}

enum { WAIT_ALL, WAIT_ANY };

NT_EXPORT(int32_t, KeWaitForMultipleObjects, uint32_t count, struct nt_dispatcher* const* objects,
          int32_t type, int32_t reason, uint8_t mode, uint8_t alertable, const int64_t* timeout,
          void* blocks) {
    struct waiter waiter = {.objects = objects, .count = count, .task = current, .through = -1};

    if (type != WAIT_ANY) {
        double_complaint("a wait for all of several objects is not modelled");
        return NT_NOT_IMPLEMENTED;
    }
    return wait(&waiter, mode, alertable, timeout);
}

NT_EXPORT(void, KeInitializeMutex, struct nt_mutex* mutex, uint32_t level) {
    *mutex = (struct nt_mutex){};
    dispatcher_init(&mutex->header, NT_MUTEX, 1);
}

NT_EXPORT(int32_t, KeReleaseMutex, struct nt_mutex* mutex, uint8_t wait) {
    unsigned long flags;
    s32 before;

    raw_spin_lock_irqsave(&lock, flags);
    before = mutex->header.signalled;
    if (mutex->owner != current) {
        double_complaint("a mutex is released by who does not own it");
    } else if (++mutex->header.signalled == 1) {
        mutex->owner = NULL;
        let_through();
    }
    raw_spin_unlock_irqrestore(&lock, flags);
    return before;
}

NT_EXPORT(int32_t, KeDelayExecutionThread, uint8_t mode, uint8_t alertable, const int64_t* interval) {
    struct nt_dispatcher never;
    s32 status;

    dispatcher_init(&never, NT_EVENT_AUTO, false);
    status = dispatcher_wait(&never, mode, alertable, interval);
    return status == NT_TIMEOUT ? NT_SUCCESS : status;
}

NT_EXPORT(void, KeInitializeEvent, struct nt_event* event, int32_t type, uint8_t signalled) {
    dispatcher_init(&event->header, type, signalled);
}

NT_EXPORT(int32_t, KeSetEvent, struct nt_event* event, int32_t increment, uint8_t wait) {
    s32 before;

    if (irql_now() > NT_DISPATCH_LEVEL) {
        double_complaint("KeSetEvent above DISPATCH_LEVEL");
    }
    before = dispatcher_signal(&event->header);
    user_event_signal(event);
    return before;
}

static s32 set_state(struct nt_event* event, s32 state) {
    unsigned long flags;
    s32 before;

    raw_spin_lock_irqsave(&lock, flags);
    before = event->header.signalled;
    event->header.signalled = state;
    raw_spin_unlock_irqrestore(&lock, flags);
    return before;
}

NT_EXPORT(int32_t, KeResetEvent, struct nt_event* event) {
    return set_state(event, 0);
}

NT_EXPORT(void, KeClearEvent, struct nt_event* event) {
    set_state(event, 0);
}

NT_EXPORT(int32_t, KeReadStateEvent, const struct nt_event* event) {
    return READ_ONCE(event->header.signalled);
}
