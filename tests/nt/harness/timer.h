/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef COOP_NT_HARNESS_TIMER_H
#define COOP_NT_HARNESS_TIMER_H

void timer_load(void);
/* None expires any more. */
void timer_unload(void);

#endif
