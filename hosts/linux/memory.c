// SPDX-License-Identifier: GPL-2.0-only
/* The heap and the pages of the host contract, and addresses. The guest's RAM is in ram.c. */
#include <linux/gfp.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "shim.h"

/* kmalloc's alignment is certain for powers of two only; above this size it has no other classes. */
#define LAST_ODD_CLASS 256

void* coop_host_alloc(size_t bytes) {
    if (bytes > INT_MAX) { /* kvmalloc would warn */
        return NULL;
    }
    if (bytes <= LAST_ODD_CLASS) {
        bytes = max_t(size_t, 16, roundup_pow_of_two(bytes | 1));
    }
    return kvzalloc(bytes, GFP_KERNEL | __GFP_NOWARN);
}

void coop_host_free(void* p) {
    kvfree(p);
}

void* coop_host_pages_alloc(size_t pages) {
    if (!pages || pages > INT_MAX >> PAGE_SHIFT) {
        return NULL;
    }
    return alloc_pages_exact(pages << PAGE_SHIFT, GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN);
}

void coop_host_pages_free(void* va, size_t pages) {
    if (va) {
        free_pages_exact(va, pages << PAGE_SHIFT);
    }
}

uint64_t coop_host_phys(const void* va) {
    unsigned long address = (unsigned long)va;

    if (is_vmalloc_addr(va) || (address >= MODULES_VADDR && address < MODULES_END)) {
        return ((u64)vmalloc_to_pfn(va) << PAGE_SHIFT) | offset_in_page(va);
    }
    return __pa(va);
}
