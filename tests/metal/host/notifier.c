// SPDX-License-Identifier: GPL-2.0-only
/* Notifiers of the host contract: there is no user space, so they count. */
#include "metal.h"

struct coop_host_notifier {
    uint64_t signals;
};

struct coop_host_notifier* metal_notifier_create(void) {
    return coop_host_alloc(sizeof(struct coop_host_notifier));
}

uint64_t metal_notifier_signals(const struct coop_host_notifier* notifier) {
    return __atomic_load_n(&notifier->signals, __ATOMIC_RELAXED);
}

void coop_host_notifier_signal(struct coop_host_notifier* notifier) {
    __atomic_fetch_add(&notifier->signals, 1, __ATOMIC_RELAXED);
}

void coop_host_notifier_release(struct coop_host_notifier* notifier) {
    coop_host_free(notifier);
}
