// SPDX-License-Identifier: GPL-2.0-only
/* Notifiers of the host contract: events of user space. */
#include "shim.h"

struct coop_host_notifier {
    PKEVENT event;
    KDPC signal; /* with interrupts off, as in thread.c */
};

static VOID NTAPI signal_now(PKDPC dpc, PVOID context, PVOID first, PVOID second) {
    UNREFERENCED_PARAMETER(dpc);
    UNREFERENCED_PARAMETER(first);
    UNREFERENCED_PARAMETER(second);
    KeSetEvent(context, IO_NO_INCREMENT, FALSE);
}

NTSTATUS coop_notifier_open(uint64_t handle, struct coop_host_notifier** notifier) {
    struct coop_host_notifier* opened = coop_host_alloc(sizeof(*opened));
    NTSTATUS status;

    if (!opened) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    status = ObReferenceObjectByHandle((HANDLE)(ULONG_PTR)handle, EVENT_MODIFY_STATE, COOP_EVENT_TYPE,
                                       UserMode, (PVOID*)&opened->event, NULL);
    if (!NT_SUCCESS(status)) {
        coop_host_free(opened);
        return status;
    }
    KeInitializeDpc(&opened->signal, signal_now, opened->event);
    KeSetImportanceDpc(&opened->signal, HighImportance);
    *notifier = opened;
    return STATUS_SUCCESS;
}

void coop_host_notifier_signal(struct coop_host_notifier* notifier) {
    if (coop_cpu_interrupts_off()) {
        coop_cpu_insert_dpc(&notifier->signal);
    } else {
        KeSetEvent(notifier->event, IO_NO_INCREMENT, FALSE);
    }
}

void coop_host_notifier_release(struct coop_host_notifier* notifier) {
    KeFlushQueuedDpcs();
    ObDereferenceObject(notifier->event);
    coop_host_free(notifier);
}
