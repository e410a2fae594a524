/* SPDX-License-Identifier: GPL-2.0-only */
/* The suite's threads and its notifier, for the module's device. */
#ifndef COOP_CONTRACT_ENVIRONMENT_H
#define COOP_CONTRACT_ENVIRONMENT_H

#include <linux/types.h>

/*
 * Runs a case in a thread of its own. descriptor: an eventfd of the caller's, non-blocking, for the suite's
 * notifier. Returns the number of checks that failed, or a negative errno value. Context: may sleep; one at a
 * time.
 */
int environment_run(void (*contract_case)(void), unsigned int descriptor);

#endif
