// SPDX-License-Identifier: GPL-2.0-only
/* One-shot timers on the clock's ticks, which come each millisecond while there are any. */
#include "shim.h"

struct coop_alarm {
    KTIMER timer;
    KDPC dpc;
    void (*callback)(void* context);
    void* context;
};
static volatile LONG alarms;

static VOID NTAPI expire(PKDPC dpc, PVOID context, PVOID first, PVOID second) {
    struct coop_alarm* alarm = context;

    UNREFERENCED_PARAMETER(dpc);
    UNREFERENCED_PARAMETER(first);
    UNREFERENCED_PARAMETER(second);
    alarm->callback(alarm->context);
}

struct coop_alarm* coop_alarm_create(void (*callback)(void* context), void* context) {
    struct coop_alarm* alarm = coop_host_alloc(sizeof(*alarm));

    if (!alarm) {
        return NULL;
    }
    alarm->callback = callback;
    alarm->context = context;
    KeInitializeTimerEx(&alarm->timer, NotificationTimer);
    KeInitializeDpc(&alarm->dpc, expire, alarm);
    if (InterlockedIncrement(&alarms) == 1) {
        ExSetTimerResolution(COOP_UNITS_PER_MS, TRUE);
    }
    return alarm;
}

void coop_alarm_destroy(struct coop_alarm* alarm) {
    KeCancelTimer(&alarm->timer);
    KeFlushQueuedDpcs();
    if (InterlockedDecrement(&alarms) == 0) {
        ExSetTimerResolution(0, FALSE);
    }
    coop_host_free(alarm);
}

void coop_alarm_set(struct coop_alarm* alarm, uint64_t units) {
    LARGE_INTEGER due = {.QuadPart = -(LONGLONG)units};

    KeSetTimerEx(&alarm->timer, due, 0, &alarm->dpc);
}
