// SPDX-License-Identifier: GPL-2.0-only
/* Requests that pend until the host sleeps or shuts down: a cancel-safe queue. */
#include "shim.h"

static LIST_ENTRY waiting;
static KSPIN_LOCK lock;
static ULONG ahead; /* COOP_NT_HOST_*, or 0 */

void coop_notice_load(void) {
    InitializeListHead(&waiting);
    KeInitializeSpinLock(&lock);
}

static PFILE_OBJECT file_of(PIRP irp) {
    return IoGetCurrentIrpStackLocation(irp)->FileObject;
}

static NTSTATUS complete(PIRP irp, ULONG event) {
    struct coop_nt_host_event* answer = irp->AssociatedIrp.SystemBuffer;

    *answer = (struct coop_nt_host_event){event, 0};
    return coop_complete(irp, STATUS_SUCCESS, sizeof(*answer));
}

static VOID NTAPI cancel(PDEVICE_OBJECT device, PIRP irp) {
    KIRQL irql;

    UNREFERENCED_PARAMETER(device);
    IoReleaseCancelSpinLock(irp->CancelIrql);
    KeAcquireSpinLock(&lock, &irql);
    RemoveEntryList(&irp->Tail.Overlay.ListEntry);
    KeReleaseSpinLock(&lock, irql);
    coop_complete(irp, STATUS_CANCELLED, 0);
}

NTSTATUS coop_notice_wait(PIRP irp) {
    ULONG event;
    KIRQL irql;

    KeAcquireSpinLock(&lock, &irql);
    event = ahead;
    if (!event) {
        IoSetCancelRoutine(irp, cancel);
        if ((irp->Cancel || coop_handle_of(file_of(irp))->closed) && IoSetCancelRoutine(irp, NULL)) {
            KeReleaseSpinLock(&lock, irql);
            return coop_complete(irp, STATUS_CANCELLED, 0);
        }
        IoMarkIrpPending(irp);
        InsertTailList(&waiting, &irp->Tail.Overlay.ListEntry); /* cancel() waits for the lock */
    }
    KeReleaseSpinLock(&lock, irql);
    return event ? complete(irp, event) : STATUS_PENDING;
}

/* One that waits, of that file object if it is not NULL; it is nobody else's from now on. */
static PIRP take(PFILE_OBJECT file) {
    PIRP taken = NULL;
    LIST_ENTRY *entry, *next;
    KIRQL irql;

    KeAcquireSpinLock(&lock, &irql);
    for (entry = waiting.Flink; entry != &waiting && !taken; entry = next) {
        PIRP irp = CONTAINING_RECORD(entry, IRP, Tail.Overlay.ListEntry);

        next = entry->Flink;
        if ((!file || file_of(irp) == file) && IoSetCancelRoutine(irp, NULL)) {
            RemoveEntryList(entry);
            taken = irp; /* else cancel() is about to take it */
        }
    }
    KeReleaseSpinLock(&lock, irql);
    return taken;
}

void coop_notice_tell(ULONG event) {
    PIRP irp;
    KIRQL irql;

    KeAcquireSpinLock(&lock, &irql);
    ahead = event;
    KeReleaseSpinLock(&lock, irql);
    while (event && (irp = take(NULL))) {
        complete(irp, event);
    }
}

void coop_notice_cancel(PFILE_OBJECT file) {
    PIRP irp;

    while ((irp = take(file))) {
        coop_complete(irp, STATUS_CANCELLED, 0);
    }
}
