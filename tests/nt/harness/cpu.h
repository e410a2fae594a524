/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef COOP_NT_HARNESS_CPU_H
#define COOP_NT_HARNESS_CPU_H

/* No NMI comes to the driver any more. */
void cpu_unload(void);

#endif
