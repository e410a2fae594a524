// SPDX-License-Identifier: GPL-2.0-only
/* The pages of the host contract. */
#include "shim.h"

void* coop_host_pages_alloc(size_t pages) {
    PHYSICAL_ADDRESS least = {.QuadPart = 0}, last = {.QuadPart = MAXLONG64};
    void* va;

    if (!pages || pages > MAXLONG / COOP_PAGE_BYTES) {
        return NULL;
    }
    va = MmAllocateContiguousMemorySpecifyCache(pages * COOP_PAGE_BYTES, least, last, least, MmCached);
    if (va) {
        RtlZeroMemory(va, pages * COOP_PAGE_BYTES);
    }
    return va;
}

void coop_host_pages_free(void* va, size_t pages) {
    UNREFERENCED_PARAMETER(pages);
    if (va) {
        MmFreeContiguousMemory(va);
    }
}
