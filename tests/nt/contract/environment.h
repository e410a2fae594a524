/* SPDX-License-Identifier: GPL-2.0-only */
/* The suite's threads and its notifier, for the driver's device. */
#ifndef COOP_CONTRACT_NT_ENVIRONMENT_H
#define COOP_CONTRACT_NT_ENVIRONMENT_H

#include <stdint.h>

/* What the suite needs before its first case; as coop_*_load. */
int environment_load(void);
void environment_unload(void);

/*
 * Runs a case in a thread of its own. event: a handle of the caller's, for the suite's notifier. Returns the
 * number of checks that failed, or a negative NTSTATUS. Context: the caller's thread; one at a time.
 */
int32_t environment_run(void (*contract_case)(void), uint64_t event);

#endif
