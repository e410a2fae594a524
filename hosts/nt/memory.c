// SPDX-License-Identifier: GPL-2.0-only
/* The heap of the host contract, and addresses. Pages are in pages.c, the guest's RAM is in ram.c. */
#include "shim.h"

void* coop_host_alloc(size_t bytes) {
    void* p;

    if (!bytes || bytes > MAXLONG) { /* the pool's accounting is 32 bits wide in places */
        return NULL;
    }
    p = ExAllocatePoolWithTag(NonPagedPoolNx, bytes, COOP_POOL_TAG); /* aligned to 16 bytes on x64 */
    if (p) {
        RtlZeroMemory(p, bytes);
    }
    return p;
}

void coop_host_free(void* p) {
    if (p) {
        ExFreePoolWithTag(p, COOP_POOL_TAG);
    }
}

uint64_t coop_host_phys(const void* va) {
    return MmGetPhysicalAddress((PVOID)va).QuadPart;
}
