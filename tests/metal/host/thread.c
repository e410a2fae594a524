// SPDX-License-Identifier: GPL-2.0-only
/* Threads of the host contract. Each CPU has the one it booted with. */
#include "lock.h"
#include "metal.h"

static bool signal_pending, signal_unseen;

void metal_signal(bool pending) {
    __atomic_store_n(&signal_unseen, false, __ATOMIC_SEQ_CST);
    __atomic_store_n(&signal_pending, pending, __ATOMIC_SEQ_CST);
}

void metal_signal_arrives(void) {
    __atomic_store_n(&signal_pending, true, __ATOMIC_SEQ_CST);
    __atomic_store_n(&signal_unseen, true, __ATOMIC_SEQ_CST);
}

bool metal_signal_unseen(void) {
    return __atomic_load_n(&signal_unseen, __ATOMIC_SEQ_CST);
}

bool coop_host_yield(void) {
    __atomic_store_n(&signal_unseen, false, __ATOMIC_SEQ_CST);
    return __atomic_load_n(&signal_pending, __ATOMIC_SEQ_CST);
}

struct coop_host_event {
    bool signalled;
    uint32_t waiter; /* CPU + 1; 0: none */
};

struct coop_host_event* coop_host_event_create(void) {
    return coop_host_alloc(sizeof(struct coop_host_event));
}

void coop_host_event_destroy(struct coop_host_event* event) {
    coop_host_free(event);
}

void coop_host_event_signal(struct coop_host_event* event) {
    __atomic_store_n(&event->signalled, true, __ATOMIC_SEQ_CST);
    uint32_t waiter = __atomic_load_n(&event->waiter, __ATOMIC_SEQ_CST);
    /* From an interrupt of the waiter's own CPU, that interrupt has ended its HLT. */
    if (waiter && waiter - 1 != metal_this_cpu())
        coop_host_kick(waiter - 1);
}

int coop_host_event_wait(struct coop_host_event* event) {
    bool interrupted = false;

    __atomic_store_n(&event->waiter, metal_this_cpu() + 1, __ATOMIC_SEQ_CST);
    for (;;) {
        asm volatile("cli" ::: "memory");
        interrupted = coop_host_yield();
        if (interrupted || __atomic_exchange_n(&event->signalled, false, __ATOMIC_SEQ_CST))
            break;
        asm volatile("sti; hlt" ::: "memory"); /* nothing comes between the two */
    }
    asm volatile("sti" ::: "memory");
    __atomic_store_n(&event->waiter, 0, __ATOMIC_SEQ_CST);
    return interrupted ? -COOP_E_INTERRUPTED : 0;
}

struct coop_host_mutex {
    struct metal_lock lock;
};

struct coop_host_mutex* coop_host_mutex_create(void) {
    return coop_host_alloc(sizeof(struct coop_host_mutex));
}

void coop_host_mutex_destroy(struct coop_host_mutex* mutex) {
    coop_host_free(mutex);
}

void coop_host_mutex_lock(struct coop_host_mutex* mutex) {
    lock_take(&mutex->lock);
}

void coop_host_mutex_unlock(struct coop_host_mutex* mutex) {
    lock_release(&mutex->lock);
}
