/* SPDX-License-Identifier: GPL-2.0-only */
/* The seams include <stddef.h>; in the kernel, <linux/types.h> has size_t and <linux/stddef.h> the rest. */
#include <linux/stddef.h>
#include <linux/types.h>
