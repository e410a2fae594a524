// SPDX-License-Identifier: GPL-2.0-only
/* Pool. Small blocks have a guard at both ends, which is looked at when they are freed; large ones vmalloc's
 * guard page. */
#include "pool.h"

#include <linux/irqflags.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "double.h"

#define GARBAGE 0xa5
#define GUARD 0x6c6f6f70646e65ull
#define FREED 0x6565726673617761ull
#define LARGEST_SMALL (1u << 30)

struct small {
    u64 guard;
    u64 bytes;
    u8 block[];
};

static u64* guard_behind(struct small* small) {
    return (u64*)(small->block + ALIGN(small->bytes, 16));
}

static void* small_alloc(size_t bytes) {
    gfp_t flags = irqs_disabled() || irql_now() >= NT_DISPATCH_LEVEL ? GFP_ATOMIC : GFP_KERNEL;
    struct small* small = kmalloc(sizeof(*small) + ALIGN(bytes, 16) + sizeof(u64), flags | __GFP_NOWARN);

    if (!small) {
        return NULL;
    }
    small->guard = GUARD;
    small->bytes = bytes;
    *guard_behind(small) = GUARD;
    return small->block;
}

void* pool_alloc(size_t bytes, bool zeroed) {
    void* block;

    if (bytes > LARGEST_SMALL) {
        return NULL;
    }
    block = bytes < PAGE_SIZE ? small_alloc(bytes) : __vmalloc(bytes, GFP_KERNEL | __GFP_NOWARN);
    if (block) {
        memset(block, zeroed ? 0 : GARBAGE, bytes);
        tally_taken(TALLY_pool);
    }
    return block;
}

void pool_free(void* block) {
    struct small* small = container_of(block, struct small, block[0]);

    if (!block) {
        double_complaint("NULL is freed as pool");
        return;
    }
    tally_given_back(TALLY_pool);
    if (is_vmalloc_addr(block)) {
        vfree(block);
        return;
    }
    if (small->guard != GUARD || *guard_behind(small) != GUARD) {
        double_complaint("the pool block %px was freed before, is none, or was overrun", block);
        return;
    }
    small->guard = FREED;
    memset(small->block, GARBAGE, small->bytes);
    kfree(small);
}

NT_EXPORT(void*, ExAllocatePoolWithTag, int32_t type, uint64_t bytes, uint32_t tag) {
    return pool_alloc(bytes, false);
}

NT_EXPORT(void*, ExAllocatePool, int32_t type, uint64_t bytes) {
    return pool_alloc(bytes, false);
}

#define POOL_UNINITIALIZED 2

NT_EXPORT(void*, ExAllocatePool2, uint64_t flags, uint64_t bytes, uint32_t tag) {
    return pool_alloc(bytes, !(flags & POOL_UNINITIALIZED));
}

NT_EXPORT(void, ExFreePoolWithTag, void* block, uint32_t tag) {
    pool_free(block);
}

NT_EXPORT(void, ExFreePool, void* block) {
    pool_free(block);
}
