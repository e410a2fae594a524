/* SPDX-License-Identifier: GPL-2.0-only */
/* Does alloc_contig_range take ACR_FLAGS_* (or a migrate type)? */
#include <linux/gfp.h>

int probe(unsigned long start, unsigned long end);
int probe(unsigned long start, unsigned long end) {
    return alloc_contig_range(start, end, ACR_FLAGS_NONE, GFP_KERNEL);
}
