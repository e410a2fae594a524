/* SPDX-License-Identifier: GPL-2.0-only */
/* What waits at the local APIC. */
#ifndef COOP_CONTRACT_NT_INTERRUPTS_H
#define COOP_CONTRACT_NT_INTERRUPTS_H

#include <stdbool.h>

/* Learns which vectors a kick comes by. Returns 0 or a negative COOP_E_*. Context: may sleep. */
int interrupts_load(void);
void interrupts_unload(void);
/* Whether such a vector is pending on this CPU. Context: interrupts off. */
bool interrupts_kick_pending(void);

#endif
