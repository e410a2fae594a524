// SPDX-License-Identifier: GPL-2.0-only
/* Threads of the host contract: yielding, events, mutexes. */
#include "shim.h"

static KEVENT may_run; /* not while the machine sleeps */

void coop_thread_load(void) {
    KeInitializeEvent(&may_run, NotificationEvent, TRUE);
}

void coop_thread_hold(bool hold) {
    if (hold) {
        KeResetEvent(&may_run);
    } else {
        KeSetEvent(&may_run, IO_NO_INCREMENT, FALSE);
    }
}

static void pause_if_held(void) {
    if (!KeReadStateEvent(&may_run)) {
        KeWaitForSingleObject(&may_run, Executive, KernelMode, FALSE, NULL);
    }
}

/* Other threads need no help: NT preempts at each interrupt. */
bool coop_host_yield(void) {
    struct coop_call* call = coop_call_current();
    LARGE_INTEGER at_once = {.QuadPart = 0};

    pause_if_held();
    if (PsIsThreadTerminating(PsGetCurrentThread())) {
        return true;
    }
    return call &&
           KeWaitForSingleObject(&call->interrupted, UserRequest, UserMode, TRUE, &at_once) != STATUS_TIMEOUT;
}

/* A signal with interrupts off goes by a DPC, which comes as soon as they are on. */
struct coop_host_event {
    KEVENT event;
    KDPC signal;
};

static VOID NTAPI signal_now(PKDPC dpc, PVOID context, PVOID first, PVOID second) {
    struct coop_host_event* event = context;

    UNREFERENCED_PARAMETER(dpc);
    UNREFERENCED_PARAMETER(first);
    UNREFERENCED_PARAMETER(second);
    KeSetEvent(&event->event, IO_NO_INCREMENT, FALSE);
}

struct coop_host_event* coop_host_event_create(void) {
    struct coop_host_event* event = coop_host_alloc(sizeof(*event));

    if (event) {
        KeInitializeEvent(&event->event, SynchronizationEvent, FALSE);
        KeInitializeDpc(&event->signal, signal_now, event);
        KeSetImportanceDpc(&event->signal, HighImportance);
    }
    return event;
}

void coop_host_event_destroy(struct coop_host_event* event) {
    if (event) {
        KeFlushQueuedDpcs();
        coop_host_free(event);
    }
}

void coop_host_event_signal(struct coop_host_event* event) {
    if (coop_cpu_interrupts_off()) {
        coop_cpu_insert_dpc(&event->signal);
    } else {
        KeSetEvent(&event->event, IO_NO_INCREMENT, FALSE);
    }
}

int coop_host_event_wait(struct coop_host_event* event) {
    struct coop_call* call = coop_call_current();
    PVOID objects[] = {&event->event, call ? &call->interrupted : NULL};
    NTSTATUS status =
        KeWaitForMultipleObjects(call ? 2 : 1, objects, WaitAny, UserRequest, UserMode, TRUE, NULL, NULL);

    pause_if_held();
    return status == STATUS_WAIT_0 ? 0 : -COOP_E_INTERRUPTED;
}

struct coop_host_mutex {
    KMUTEX mutex;
};

struct coop_host_mutex* coop_host_mutex_create(void) {
    struct coop_host_mutex* mutex = coop_host_alloc(sizeof(*mutex));

    if (mutex) {
        KeInitializeMutex(&mutex->mutex, 0);
    }
    return mutex;
}

void coop_host_mutex_destroy(struct coop_host_mutex* mutex) {
    coop_host_free(mutex);
}

void coop_host_mutex_lock(struct coop_host_mutex* mutex) {
    KeWaitForSingleObject(&mutex->mutex, Executive, KernelMode, FALSE, NULL);
}

void coop_host_mutex_unlock(struct coop_host_mutex* mutex) {
    KeReleaseMutex(&mutex->mutex, FALSE);
}
