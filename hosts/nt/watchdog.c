// SPDX-License-Identifier: GPL-2.0-only
/*
 * The beat that lets the core find vCPUs which keep interrupts off.
 *
 * Such a vCPU also stops the timers of the CPU it runs on, so every CPU has one of its own while guests
 * exist: NT expires a timer on the CPU that its DPC is aimed at. Whichever comes first calls the core.
 */
#include "shim.h"

#define PERIOD_MS 100
#define SLACK_MS 10 /* what the beats of other CPUs may be early */

struct beat {
    KTIMER timer;
    KDPC dpc;
};
static struct beat* beats;
static uint32_t beat_count;
static volatile LONG busy;
static uint64_t last_ns; /* written by the holder of busy */

static VOID NTAPI expire(PKDPC dpc, PVOID context, PVOID first, PVOID second) {
    uint64_t now = coop_host_time_ns();

    UNREFERENCED_PARAMETER(dpc);
    UNREFERENCED_PARAMETER(context);
    UNREFERENCED_PARAMETER(first);
    UNREFERENCED_PARAMETER(second);
    if (!InterlockedExchange(&busy, 1)) {
        if (now - last_ns >= (PERIOD_MS - SLACK_MS) * COOP_NS_PER_MS) {
            last_ns = now;
            coop_core_watchdog();
        }
        InterlockedExchange(&busy, 0);
    }
}

int coop_watchdog_start(void) {
    uint32_t count = coop_processor_count(), cpu;
    LARGE_INTEGER due = {.QuadPart = -PERIOD_MS * COOP_UNITS_PER_MS};

    beats = coop_host_alloc(count * sizeof(*beats));
    if (!beats) {
        return -COOP_E_NO_MEMORY;
    }
    for (cpu = 0; cpu < count; cpu++) {
        KeInitializeTimerEx(&beats[cpu].timer, NotificationTimer);
        KeInitializeDpc(&beats[cpu].dpc, expire, NULL);
        if (coop_processor_aim(&beats[cpu].dpc, cpu)) {
            KeSetTimerEx(&beats[cpu].timer, due, PERIOD_MS, &beats[cpu].dpc);
        }
    }
    beat_count = count;
    return 0;
}

void coop_watchdog_stop(void) {
    uint32_t cpu;

    for (cpu = 0; cpu < beat_count; cpu++) {
        KeCancelTimer(&beats[cpu].timer);
    }
    KeFlushQueuedDpcs();
    coop_host_free(beats);
    beats = NULL;
    beat_count = 0;
}
