// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest RAM in user space.
 *
 * A mapping must be taken away in the process that has it, before that process is gone: at the handle's end,
 * whoever ends it, or at the process's, if the handle lives on in another one.
 */
#include "shim.h"

struct mapping {
    LIST_ENTRY link;
    struct coop_handle* handle;
    PEPROCESS process; /* referenced */
    uint64_t phys;
    uint64_t bytes;
    void* address;
};

static LIST_ENTRY mappings;
static KMUTEX lock;

static void acquire(void) {
    KeWaitForSingleObject(&lock, Executive, KernelMode, FALSE, NULL);
}

static void release(void) {
    KeReleaseMutex(&lock, FALSE);
}

/* Context: lock held. */
static void end(struct mapping* mapping) {
    bool elsewhere = mapping->process != IoGetCurrentProcess();
    KAPC_STATE apc;

    if (elsewhere) {
        KeStackAttachProcess((PKPROCESS)mapping->process, &apc);
    }
    coop_ram_unmap(mapping->phys, mapping->address);
    if (elsewhere) {
        KeUnstackDetachProcess(&apc);
    }
    RemoveEntryList(&mapping->link);
    ObDereferenceObject(mapping->process);
    coop_host_free(mapping);
}

/* Ends all that are the handle's or the process's. */
static void end_all(struct coop_handle* handle, PEPROCESS process) {
    LIST_ENTRY *entry, *next;

    acquire();
    for (entry = mappings.Flink; entry != &mappings; entry = next) {
        struct mapping* mapping = CONTAINING_RECORD(entry, struct mapping, link);

        next = entry->Flink;
        if (mapping->handle == handle || mapping->process == process) {
            end(mapping);
        }
    }
    release();
}

/* NT calls it in the process that ends, before its address space and handles go; one that never had a thread
 * has no mappings, and ends in another process. */
static VOID NTAPI process_changes(HANDLE parent, HANDLE process, BOOLEAN begins) {
    UNREFERENCED_PARAMETER(parent);
    if (!begins && process == PsGetCurrentProcessId()) {
        end_all(NULL, IoGetCurrentProcess());
    }
}

void coop_mapping_load(void) {
    InitializeListHead(&mappings);
    KeInitializeMutex(&lock, 0);
}

NTSTATUS coop_mapping_watch(bool watch) {
    return PsSetCreateProcessNotifyRoutine(process_changes, !watch);
}

/* Context: lock held. */
static struct mapping* find(struct coop_handle* handle, uint64_t phys) {
    LIST_ENTRY* entry;

    for (entry = mappings.Flink; entry != &mappings; entry = entry->Flink) {
        struct mapping* mapping = CONTAINING_RECORD(entry, struct mapping, link);

        if (mapping->handle == handle && mapping->phys == phys && mapping->process == IoGetCurrentProcess()) {
            return mapping;
        }
    }
    return NULL;
}

/* Context: lock held. Fails: NULL. */
static struct mapping* create(struct coop_handle* handle, uint64_t phys) {
    struct mapping* mapping = coop_host_alloc(sizeof(*mapping));

    if (!mapping) {
        return NULL;
    }
    mapping->address = coop_ram_map(phys, &mapping->bytes);
    if (!mapping->address) {
        coop_host_free(mapping);
        return NULL;
    }
    mapping->handle = handle;
    mapping->phys = phys;
    mapping->process = IoGetCurrentProcess();
    ObReferenceObject(mapping->process);
    InsertTailList(&mappings, &mapping->link);
    return mapping;
}

int coop_mapping_add(struct coop_handle* handle, uint64_t phys, struct coop_nt_map* map) {
    struct mapping* mapping;

    acquire();
    mapping = find(handle, phys);
    if (!mapping) {
        mapping = create(handle, phys);
    }
    if (mapping) {
        map->size = mapping->bytes;
        map->address = (ULONG_PTR)mapping->address;
    }
    release();
    return mapping ? 0 : -COOP_E_NO_MEMORY;
}

void coop_mapping_remove(struct coop_handle* handle) {
    end_all(handle, NULL);
}
