// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's RAM: physically contiguous runs of locked pages, each behind an MDL that lists its frames in
 * order.
 *
 * NT gives contiguous pieces of a power of two at once. Other sizes are found window by window, and on
 * kernels that do not know of pieces (ReactOS) all sizes: a window is a range of addresses from which all
 * pages are asked for, and kept only if all came. NT clears what it gives, also to the next owner of these
 * pages.
 *
 * A run is not mapped until somebody asks for its address, and then it is as a whole: ReactOS has room for
 * some 80 MiB of mappings, and the core looks at a few pages of a guest only.
 */
#include "shim.h"

#ifndef MdlMappingNoExecute
#define MdlMappingNoExecute 0x40000000
#endif

struct run {
    LIST_ENTRY link;
    uint64_t phys;
    uint64_t bytes;
    PMDL mdl;
    void* va; /* set once */
};

static LIST_ENTRY runs;
static volatile LONG runs_lock;
static KMUTEX system_mapping;

void coop_ram_load(void) {
    InitializeListHead(&runs);
    KeInitializeMutex(&system_mapping, 0);
}

/* In any context, so not a lock of NT's, which would change the IRQL. */
static bool lock_runs(void) {
    bool off = coop_cpu_interrupts_off();

    coop_cpu_disable();
    while (InterlockedExchange(&runs_lock, 1)) {
        YieldProcessor();
    }
    return off;
}

static void unlock_runs(bool off) {
    InterlockedExchange(&runs_lock, 0);
    if (!off) {
        coop_cpu_enable();
    }
}

/* The first run that shares a byte with the range, or NULL. */
static struct run* find(uint64_t phys, uint64_t bytes) {
    struct run* found = NULL;
    bool off = lock_runs();
    LIST_ENTRY* entry;

    for (entry = runs.Flink; entry != &runs && !found; entry = entry->Flink) {
        struct run* run = CONTAINING_RECORD(entry, struct run, link);

        if (phys < run->phys + run->bytes && run->phys < phys + bytes) {
            found = run;
        }
    }
    unlock_runs(off);
    return found;
}

bool coop_ram_has(uint64_t phys, uint64_t bytes) {
    return find(phys, bytes) != NULL;
}

int coop_host_ram_alloc(uint64_t bytes, uint64_t* phys) {
    struct run* run;
    bool off;

    if (!bytes || bytes % COOP_RUN_BYTES) {
        return -COOP_E_INVALID;
    }
    if (bytes > coop_host_ram_available()) {
        return -COOP_E_NO_MEMORY;
    }
    run = coop_host_alloc(sizeof(*run));
    if (!run) {
        return -COOP_E_NO_MEMORY;
    }
    run->bytes = bytes;
    run->mdl = coop_frames_take(bytes, &run->phys);
    if (!run->mdl) {
        coop_host_free(run);
        return -COOP_E_NO_MEMORY;
    }
    *phys = run->phys;
    off = lock_runs();
    InsertTailList(&runs, &run->link);
    unlock_runs(off);
    return 0;
}

void coop_host_ram_free(uint64_t phys, uint64_t bytes) {
    struct run* run = find(phys, bytes);
    bool off = lock_runs();

    RemoveEntryList(&run->link);
    unlock_runs(off);
    if (run->va) {
        MmUnmapLockedPages(run->va, run->mdl);
    }
    coop_frames_give(run->mdl);
    coop_host_free(run);
}

static void* map_into_system(struct run* run) {
    KeWaitForSingleObject(&system_mapping, Executive, KernelMode, FALSE, NULL);
    if (!run->va) {
        run->va = MmMapLockedPagesSpecifyCache(run->mdl, KernelMode, MmCached, NULL, FALSE,
                                               NormalPagePriority | MdlMappingNoExecute);
    }
    KeReleaseMutex(&system_mapping, FALSE);
    return run->va;
}

void* coop_host_ram_va(uint64_t phys) {
    struct run* run = find(phys, 1);
    void* va = run ? run->va : NULL;

    if (run && !va && !coop_cpu_interrupts_off()) {
        va = map_into_system(run);
    }
    return va ? (char*)va + (phys - run->phys) : NULL;
}

struct user_mapping {
    PMDL mdl;
    void* address;
};

/* Raises an exception if there is no room. */
static NTSTATUS map_into_process(void* argument) {
    struct user_mapping* mapping = argument;

    mapping->address = MmMapLockedPagesSpecifyCache(mapping->mdl, UserMode, MmCached, NULL, FALSE,
                                                    NormalPagePriority | MdlMappingNoExecute);
    return STATUS_SUCCESS;
}

void* coop_ram_map(uint64_t phys, uint64_t* bytes) {
    struct run* run = find(phys, 1);
    struct user_mapping mapping = {run->mdl, NULL};

    *bytes = run->bytes;
    return NT_SUCCESS(coop_guard(map_into_process, &mapping)) ? mapping.address : NULL;
}

void coop_ram_unmap(uint64_t phys, void* address) {
    MmUnmapLockedPages(address, find(phys, 1)->mdl);
}
