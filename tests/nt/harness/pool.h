/* SPDX-License-Identifier: GPL-2.0-only */
/* The pool, for the double itself too: an MDL is freed by the driver as pool. */
#ifndef COOP_NT_HARNESS_POOL_H
#define COOP_NT_HARNESS_POOL_H

#include <stdbool.h>
#include <stddef.h>

/* From a page on: page-aligned, else aligned to 16 bytes. Not cleared, but filled with what no one mistakes
 * for nothing, unless asked for. NULL: no memory. */
void* pool_alloc(size_t bytes, bool zeroed);
/* NULL is a mistake of the driver's. */
void pool_free(void* block);

#endif
