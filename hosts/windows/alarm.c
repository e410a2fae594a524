// SPDX-License-Identifier: GPL-2.0-only
/* One-shot timers that do not wait for the clock's next tick. */
#include "shim.h"

struct coop_alarm {
    PEX_TIMER timer;
    void (*callback)(void* context);
    void* context;
};

static void NTAPI expire(PEX_TIMER timer, PVOID context) {
    struct coop_alarm* alarm = context;

    UNREFERENCED_PARAMETER(timer);
    alarm->callback(alarm->context);
}

struct coop_alarm* coop_alarm_create(void (*callback)(void* context), void* context) {
    struct coop_alarm* alarm = coop_host_alloc(sizeof(*alarm));

    if (!alarm) {
        return NULL;
    }
    alarm->callback = callback;
    alarm->context = context;
    alarm->timer = ExAllocateTimer(expire, alarm, EX_TIMER_HIGH_RESOLUTION);
    if (!alarm->timer) {
        coop_host_free(alarm);
        return NULL;
    }
    return alarm;
}

void coop_alarm_destroy(struct coop_alarm* alarm) {
    ExDeleteTimer(alarm->timer, TRUE, TRUE, NULL);
    coop_host_free(alarm);
}

void coop_alarm_set(struct coop_alarm* alarm, uint64_t units) {
    ExSetTimer(alarm->timer, -(LONGLONG)units, 0, NULL);
}
