// SPDX-License-Identifier: GPL-2.0-only
/* Threads of the host contract: yielding, events, mutexes. */
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/swait.h>

#include "shim.h"

bool coop_host_yield(void) {
    /* Not cond_resched(): it does nothing under preempt=full, and interrupts re-raised by the core never
     * preempt. */
    if (need_resched()) {
        schedule();
    } else {
        /* A vCPU alone on its CPU may not be switched out for long; RCU is told here that it holds nothing.
         */
        local_irq_disable();
        rcu_note_context_switch(false);
        local_irq_enable();
    }
    return signal_pending(current);
}

/* A simple wait queue, because signals come from hard interrupt context. */
struct coop_host_event {
    struct swait_queue_head queue;
    bool signalled;
};

struct coop_host_event* coop_host_event_create(void) {
    struct coop_host_event* event = kzalloc(sizeof(*event), GFP_KERNEL);

    if (event) {
        init_swait_queue_head(&event->queue);
    }
    return event;
}

void coop_host_event_destroy(struct coop_host_event* event) {
    kfree(event);
}

void coop_host_event_signal(struct coop_host_event* event) {
    /* A full barrier with the store: either the waiter sees the flag, or swake_up_one sees the waiter. */
    xchg(&event->signalled, true);
    swake_up_one(&event->queue);
}

int coop_host_event_wait(struct coop_host_event* event) {
    if (swait_event_interruptible_exclusive(event->queue, xchg(&event->signalled, false))) {
        return -COOP_E_INTERRUPTED;
    }
    return 0;
}

struct coop_host_mutex {
    struct mutex mutex;
};

struct coop_host_mutex* coop_host_mutex_create(void) {
    struct coop_host_mutex* mutex = kzalloc(sizeof(*mutex), GFP_KERNEL);

    if (mutex) {
        mutex_init(&mutex->mutex);
    }
    return mutex;
}

void coop_host_mutex_destroy(struct coop_host_mutex* mutex) {
    if (mutex) {
        mutex_destroy(&mutex->mutex);
        kfree(mutex);
    }
}

void coop_host_mutex_lock(struct coop_host_mutex* mutex) {
    mutex_lock(&mutex->mutex);
}

void coop_host_mutex_unlock(struct coop_host_mutex* mutex) {
    mutex_unlock(&mutex->mutex);
}
