/* SPDX-License-Identifier: GPL-2.0-only */
/* Processes; see process.c. */
#ifndef COOP_NT_HARNESS_PROCESS_H
#define COOP_NT_HARNESS_PROCESS_H

#include <stdbool.h>

int process_load(void);
void process_unload(void);

/* The calling process is one that the driver will see. mmap_locked: it holds its mmap_lock for writing.
 * Returns 0 or a negative errno value. Context: may sleep. */
int process_admit(bool mmap_locked);

/* Lives as long as its address space, and longer for who holds a reference. Kernel threads share one. */
void* process_current(void);

#endif
