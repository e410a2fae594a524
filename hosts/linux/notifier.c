// SPDX-License-Identifier: GPL-2.0-only
/* Notifiers of the host contract: a struct coop_host_notifier is an eventfd context under another name. */
#include <linux/err.h>
#include <linux/eventfd.h>

#include "shim.h"

struct coop_host_notifier* coop_notifier_open(u64 descriptor) {
    struct eventfd_ctx* context;

    if (descriptor > INT_MAX) {
        return ERR_PTR(-EBADF);
    }
    context = eventfd_ctx_fdget(descriptor);
    return IS_ERR(context) ? ERR_CAST(context) : (struct coop_host_notifier*)context;
}

void coop_host_notifier_signal(struct coop_host_notifier* notifier) {
#if COOP_PROBE_EVENTFD_SIGNAL_COUNT
    eventfd_signal((struct eventfd_ctx*)notifier, 1);
#else
    eventfd_signal((struct eventfd_ctx*)notifier);
#endif
}

void coop_host_notifier_release(struct coop_host_notifier* notifier) {
    eventfd_ctx_put((struct eventfd_ctx*)notifier);
}
