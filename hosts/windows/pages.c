// SPDX-License-Identifier: GPL-2.0-only
/* The pages of the host contract. */
#include "shim.h"

NTKERNELAPI PVOID NTAPI MmAllocateContiguousNodeMemory(SIZE_T bytes, PHYSICAL_ADDRESS least,
                                                       PHYSICAL_ADDRESS last, PHYSICAL_ADDRESS boundary,
                                                       ULONG protection, NODE_REQUIREMENT node);

void* coop_host_pages_alloc(size_t pages) {
    PHYSICAL_ADDRESS least = {.QuadPart = 0}, last = {.QuadPart = MAXLONG64};
    void* va;

    if (!pages || pages > MAXLONG / COOP_PAGE_BYTES) {
        return NULL;
    }
    /* The older calls map it executable. */
    va = MmAllocateContiguousNodeMemory(pages * COOP_PAGE_BYTES, least, last, least, PAGE_READWRITE,
                                        MM_ANY_NODE_OK);
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
