// SPDX-License-Identifier: GPL-2.0-only
/*
 * The clock of the host contract: the TSC, by a rate measured against the interrupt time. That one has the
 * clock interrupt's granularity, and the performance counter's frequency can be far off.
 */
#include "shim.h"

#define NS_PER_UNIT 100
#define MEASURE_UNITS (200 * COOP_UNITS_PER_MS)
#define PATIENCE 1000000000ull /* rounds of a loop without a tick */

static uint64_t tsc_khz;

uint64_t coop_host_time_ns(void) {
    uint64_t tsc = __rdtsc();

    return tsc_khz ? tsc / tsc_khz * COOP_NS_PER_MS + tsc % tsc_khz * COOP_NS_PER_MS / tsc_khz : 0;
}

/* The TSC at the next tick that makes the interrupt time at least that; 0: none came. */
static uint64_t tsc_at(uint64_t least, uint64_t* units) {
    uint64_t before = KeQueryInterruptTime(), rounds;

    for (rounds = 0; rounds < PATIENCE; rounds++) {
        uint64_t tsc = __rdtsc();

        *units = KeQueryInterruptTime();
        if (*units != before && *units >= least) {
            return tsc;
        }
        YieldProcessor();
    }
    return 0;
}

uint64_t coop_clock_tsc_khz(void) {
    uint64_t begin, end, begin_units, end_units;

    begin = tsc_at(0, &begin_units);
    end = begin ? tsc_at(begin_units + MEASURE_UNITS, &end_units) : 0;
    if (end > begin) {
        tsc_khz = (end - begin) * COOP_NS_PER_MS / ((end_units - begin_units) * NS_PER_UNIT);
    }
    return tsc_khz;
}
