/* SPDX-License-Identifier: GPL-2.0-only */
/* The seams include <stdint.h>; a kernel build has no C library, but the same types under <linux/types.h>. */
#include <linux/types.h>
