// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests that can last, and how their threads learn that they should return to user space.
 *
 * NT has no signal that interrupts a system call. A request's end comes by its IRP's cancellation, by the end
 * of its handle, by the end of its thread or by a user APC; the latter two NT itself reports to a wait in
 * user mode (thread.c). In pool memory, since the stack of a thread that waits in user mode may be paged out.
 */
#include "shim.h"

static LIST_ENTRY calls;
static KSPIN_LOCK lock;

void coop_call_load(void) {
    InitializeListHead(&calls);
    KeInitializeSpinLock(&lock);
}

/* Context: lock held. */
static struct coop_call* find(PETHREAD thread, PIRP irp) {
    LIST_ENTRY* entry;

    for (entry = calls.Flink; entry != &calls; entry = entry->Flink) {
        struct coop_call* call = CONTAINING_RECORD(entry, struct coop_call, link);

        if (thread ? call->thread == thread : call->irp == irp) {
            return call;
        }
    }
    return NULL;
}

/* Context: lock held. */
static void interrupt(struct coop_call* call) {
    KeSetEvent(&call->interrupted, IO_NO_INCREMENT, FALSE);
}

/* The call may be over already: only its list knows. */
static VOID NTAPI cancel(PDEVICE_OBJECT device, PIRP irp) {
    struct coop_call* call;
    KIRQL irql;

    UNREFERENCED_PARAMETER(device);
    IoReleaseCancelSpinLock(irp->CancelIrql);
    KeAcquireSpinLock(&lock, &irql);
    call = find(NULL, irp);
    if (call) {
        interrupt(call);
    }
    KeReleaseSpinLock(&lock, irql);
    coop_cpu_kick_all(); /* nobody knows which CPU it is on */
}

struct coop_call* coop_call_begin(PIRP irp, PFILE_OBJECT file) {
    struct coop_call* call = coop_host_alloc(sizeof(*call));
    KIRQL irql;

    if (!call) {
        return NULL;
    }
    call->thread = PsGetCurrentThread();
    call->irp = irp;
    call->file = file;
    KeInitializeEvent(&call->interrupted, NotificationEvent, FALSE);
    KeAcquireSpinLock(&lock, &irql);
    InsertTailList(&calls, &call->link);
    KeReleaseSpinLock(&lock, irql);
    if (irp) {
        IoSetCancelRoutine(irp, cancel);
        if (irp->Cancel || coop_handle_of(file)->closed) { /* before that, or since */
            coop_call_interrupt(call);
        }
    }
    return call;
}

void coop_call_end(struct coop_call* call) {
    KIRQL irql;

    if (call->irp && !IoSetCancelRoutine(call->irp, NULL)) {
        /* Taken: it holds this lock until it is done with the IRP. */
        IoAcquireCancelSpinLock(&irql);
        IoReleaseCancelSpinLock(irql);
    }
    KeAcquireSpinLock(&lock, &irql);
    RemoveEntryList(&call->link);
    KeReleaseSpinLock(&lock, irql);
    coop_host_free(call);
}

struct coop_call* coop_call_current(void) {
    struct coop_call* call;
    KIRQL irql;

    KeAcquireSpinLock(&lock, &irql);
    call = find(PsGetCurrentThread(), NULL);
    KeReleaseSpinLock(&lock, irql);
    return call;
}

void coop_call_interrupt(struct coop_call* call) {
    KIRQL irql;

    KeAcquireSpinLock(&lock, &irql);
    interrupt(call);
    KeReleaseSpinLock(&lock, irql);
}

void coop_call_interrupt_file(PFILE_OBJECT file) {
    LIST_ENTRY* entry;
    KIRQL irql;

    KeAcquireSpinLock(&lock, &irql);
    for (entry = calls.Flink; entry != &calls; entry = entry->Flink) {
        struct coop_call* call = CONTAINING_RECORD(entry, struct coop_call, link);

        if (call->file == file) {
            interrupt(call);
        }
    }
    KeReleaseSpinLock(&lock, irql);
    coop_cpu_kick_all();
}
