/* SPDX-License-Identifier: GPL-2.0-only */
/* Page protections, for which Linux has no functions that a module may call. */
#ifndef COOP_NT_HARNESS_PROTECTION_H
#define COOP_NT_HARNESS_PROTECTION_H

#include <stdbool.h>
#include <stddef.h>

/* Finds the functions. Once, first. Returns 0 or a negative errno value. */
int protection_load(void);
/* Whole pages of vmalloc's: read-only from now on, and executable if asked for. Context: may sleep. */
int protection_seal(void* start, size_t bytes, bool executable);
/* As vmalloc gave them. */
void protection_undo(void* start, size_t bytes);

#endif
