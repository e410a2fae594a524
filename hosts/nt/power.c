// SPDX-License-Identifier: GPL-2.0-only
/*
 * The machine's sleep. Nobody can refuse it on NT, so no thread enters its guest meanwhile; and if the TSC
 * began anew, which is the guests' clock, they end.
 */
#include "shim.h"

static volatile LONG sleeping;
static uint64_t asleep_tsc;
static PCALLBACK_OBJECT callback;
static PVOID registration;

bool coop_power_sleeping(void) {
    return sleeping != 0;
}

/* Context: up to DISPATCH_LEVEL. Told of state changes that are under way (what: leaving the working state,
 * or back in it). */
static VOID NTAPI power_changes(PVOID context, PVOID kind, PVOID what) {
    UNREFERENCED_PARAMETER(context);
    if ((ULONG_PTR)kind != PO_CB_SYSTEM_STATE_LOCK) {
        return;
    }
    if (!what) {
        InterlockedExchange(&sleeping, 1);
        asleep_tsc = __rdtsc();
        coop_thread_hold(true);
        coop_notice_tell(COOP_NT_HOST_SLEEPS);
        coop_cpu_kick_all();
        return;
    }
    if (__rdtsc() < asleep_tsc) {
        coop_log("the TSC began anew while the machine slept: guests end");
        coop_lifecycle_end_all();
    }
    coop_notice_tell(0);
    InterlockedExchange(&sleeping, 0);
    coop_thread_hold(false);
}

NTSTATUS coop_power_load(void) {
    OBJECT_ATTRIBUTES attributes;
    UNICODE_STRING name;
    NTSTATUS status;

    RtlInitUnicodeString(&name, L"\\Callback\\PowerState");
    InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE, NULL, NULL);
    status = ExCreateCallback(&callback, &attributes, FALSE, TRUE);
    if (!NT_SUCCESS(status)) {
        return status;
    }
    registration = ExRegisterCallback(callback, power_changes, NULL);
    if (!registration) {
        ObDereferenceObject(callback);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    return STATUS_SUCCESS;
}

void coop_power_unload(void) {
    ExUnregisterCallback(registration);
    ObDereferenceObject(callback);
}
