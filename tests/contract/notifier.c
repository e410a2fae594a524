// SPDX-License-Identifier: GPL-2.0-only
/* Notifiers: a signal from any context reaches user space; a release is the end of them. */
#include "contract.h"

static void signal_it(void* notifier) {
    coop_host_notifier_signal(notifier);
}

/* Hosts may pass it on from another context, which takes a moment. */
static bool woken_soon(struct coop_host_notifier* notifier) {
    uint64_t begin = coop_host_time_ns();

    while (!contract_notifier_woken(notifier)) {
        if (coop_host_time_ns() - begin > CONTRACT_PATIENCE)
            return false;
        coop_host_yield();
    }
    return true;
}

void contract_notifier(void) {
    struct coop_host_notifier* notifier = contract_notifier_open();

    CONTRACT_CHECK(notifier);
    if (!notifier)
        return;
    CONTRACT_CHECK(!contract_notifier_woken(notifier));
    signal_it(notifier);
    CONTRACT_CHECK(contract_notifier_woken(notifier));
    CONTRACT_CHECK(!contract_notifier_woken(notifier));
    signal_it(notifier);
    signal_it(notifier);
    CONTRACT_CHECK(contract_notifier_woken(notifier));

    coop_host_critical_begin();
    signal_it(notifier);
    CONTRACT_CHECK(contract_interrupts_off());
    coop_host_critical_end();
    CONTRACT_CHECK(woken_soon(notifier));
    contract_in_interrupt(signal_it, notifier);
    CONTRACT_CHECK(woken_soon(notifier));
    coop_host_notifier_release(notifier);
}
