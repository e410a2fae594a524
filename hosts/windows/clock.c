// SPDX-License-Identifier: GPL-2.0-only
/* The clock of the host contract, and the TSC's rate by it. */
#include "shim.h"

#define NS_PER_SECOND 1000000000ull
#define MEASURE_MS 200

uint64_t coop_host_time_ns(void) {
    LARGE_INTEGER frequency;
    uint64_t count = KeQueryPerformanceCounter(&frequency).QuadPart;
    uint64_t seconds = count / frequency.QuadPart, rest = count % frequency.QuadPart;

    return seconds * NS_PER_SECOND + rest * NS_PER_SECOND / frequency.QuadPart;
}

struct moment {
    uint64_t tsc;
    uint64_t ns;
};

static struct moment now(void) {
    struct moment moment;

    coop_cpu_disable();
    moment.tsc = __rdtsc();
    moment.ns = coop_host_time_ns();
    moment.tsc += (__rdtsc() - moment.tsc) / 2;
    coop_cpu_enable();
    return moment;
}

uint64_t coop_clock_tsc_khz(void) {
    LARGE_INTEGER pause = {.QuadPart = -MEASURE_MS * COOP_UNITS_PER_MS};
    struct moment begin = now(), end;

    KeDelayExecutionThread(KernelMode, FALSE, &pause);
    end = now();
    return end.ns > begin.ns && end.tsc > begin.tsc
               ? (end.tsc - begin.tsc) * COOP_NS_PER_MS / (end.ns - begin.ns)
               : 0;
}
