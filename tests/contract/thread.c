// SPDX-License-Identifier: GPL-2.0-only
/* coop_host_yield: true for a thread that should return to user space, as long as it should, and no other. */
#include "contract.h"

void contract_thread(void) {
    enum { ROUNDS = 1000 };
    unsigned i, wrong = 0;

    for (i = 0; i < ROUNDS; i++)
        wrong += coop_host_yield();
    CONTRACT_CHECK(wrong == 0);
    contract_signal(true);
    CONTRACT_CHECK(coop_host_yield());
    CONTRACT_CHECK(coop_host_yield());
    contract_signal(false);
    CONTRACT_CHECK(!coop_host_yield());
    CONTRACT_CHECK(!contract_interrupts_off());
}
