/* SPDX-License-Identifier: GPL-2.0-only */
/* The seams include <stdbool.h>; in the kernel, <linux/types.h> has bool and <linux/stddef.h> its values. */
#include <linux/stddef.h>
#include <linux/types.h>
