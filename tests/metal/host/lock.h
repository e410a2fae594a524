/* SPDX-License-Identifier: GPL-2.0-only */
/* A spin lock. Whoever also takes it in interrupts turns them off around it. */
#ifndef METAL_LOCK_H
#define METAL_LOCK_H

struct metal_lock {
    int held;
};

static inline void lock_take(struct metal_lock* lock) {
    while (__atomic_exchange_n(&lock->held, 1, __ATOMIC_ACQUIRE))
        __builtin_ia32_pause();
}
static inline void lock_release(struct metal_lock* lock) {
    __atomic_store_n(&lock->held, 0, __ATOMIC_RELEASE);
}

#endif
