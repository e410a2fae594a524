// SPDX-License-Identifier: GPL-2.0-only
/* The memory of the host contract: heap, pages, the guest's RAM, addresses. */
#include "metal.h"

/* In front of each heap object, which has frames of its own. */
struct header {
    uint64_t pages, magic;
};
enum { HEAP_MAGIC = 0x70616568 };

static uint64_t objects;
static uint64_t until_refusal; /* 0: never */

void metal_refuse(uint64_t number) {
    until_refusal = number;
}

bool metal_refused(void) {
    return until_refusal == 0;
}

/* Frames for the core, unless it is this call's turn to be refused. */
static uint64_t take(uint64_t pages, uint64_t align) {
    return until_refusal && --until_refusal == 0 ? 0 : metal_frames_take(pages, align);
}

void* coop_host_alloc(size_t bytes) {
    uint64_t pages = (bytes + sizeof(struct header) + PAGE_BYTES - 1) / PAGE_BYTES;
    uint64_t phys = bytes < DIRECT_MAP_BYTES ? take(pages, 1) : 0;
    struct header* header = metal_va(phys);

    if (!phys)
        return NULL;
    *header = (struct header){pages, HEAP_MAGIC};
    __atomic_fetch_add(&objects, 1, __ATOMIC_RELAXED);
    return header + 1;
}

void coop_host_free(void* p) {
    struct header* header = (struct header*)p - 1;

    if (!p)
        return;
    if (header->magic != HEAP_MAGIC)
        metal_panic("heap object freed that is none");
    __atomic_fetch_sub(&objects, 1, __ATOMIC_RELAXED);
    metal_frames_give((uint64_t)header - DIRECT_MAP, header->pages);
}

uint64_t metal_heap_objects(void) {
    return objects;
}

void* coop_host_pages_alloc(size_t pages) {
    uint64_t phys = take(pages, 1);

    return phys ? metal_va(phys) : NULL;
}

void coop_host_pages_free(void* va, size_t pages) {
    if (va)
        metal_frames_give((uint64_t)va - DIRECT_MAP, pages);
}

int coop_host_ram_alloc(uint64_t bytes, uint64_t* phys) {
    *phys = take(bytes / PAGE_BYTES, LARGE_PAGE_BYTES / PAGE_BYTES);
    return *phys ? 0 : -COOP_E_NO_MEMORY;
}

void coop_host_ram_free(uint64_t phys, uint64_t bytes) {
    metal_frames_give(phys, bytes / PAGE_BYTES);
}

void* coop_host_ram_va(uint64_t phys) {
    return metal_va(phys);
}

uint64_t coop_host_phys(const void* va) {
    uint64_t address = (uint64_t)va;

    return address >= IMAGE_BASE ? address - IMAGE_BASE : address - DIRECT_MAP;
}
