// SPDX-License-Identifier: GPL-2.0-only
/* Time: the TSC, whose rate and the APIC timer's are measured against the PIT's second channel. */
#include "metal.h"
#include "ports.h"

enum {
    PIT_HZ = 1193182,
    PIT_CHANNEL2 = 0x42,
    PIT_COMMAND = 0x43,
    SPEAKER = 0x61,
    SPEAKER_GATE = 1,
    SPEAKER_OUT = 0x20
};
enum { ONE_SHOT_CHANNEL2 = 0xb0, MASKED = 0x10000, MEASURE_MS = 20 };

static uint64_t tsc_khz, apic_khz, ns_per_tick; /* the last with 32 fraction bits */

void metal_clock_init(void) {
    const uint32_t count = PIT_HZ / 1000 * MEASURE_MS;
    uint64_t begin;

    out8(SPEAKER, (in8(SPEAKER) & ~3) | SPEAKER_GATE);
    out8(PIT_COMMAND, ONE_SHOT_CHANNEL2);
    out8(PIT_CHANNEL2, count & 0xff);
    out8(PIT_CHANNEL2, count >> 8);
    metal_apic_arm(MASKED, UINT32_MAX);
    begin = metal_tsc();
    while (!(in8(SPEAKER) & SPEAKER_OUT))
        ;
    tsc_khz = (metal_tsc() - begin) / MEASURE_MS;
    apic_khz = (UINT32_MAX - metal_apic_timer_left()) / MEASURE_MS;
    metal_apic_arm(MASKED, 0);
    ns_per_tick = (1000000ull << 32) / tsc_khz;
}

uint64_t metal_tsc_khz(void) {
    return tsc_khz;
}

uint64_t metal_apic_khz(void) {
    return apic_khz;
}

uint64_t coop_host_time_ns(void) {
    return (uint64_t)((unsigned __int128)metal_tsc() * ns_per_tick >> 32);
}

void metal_delay_us(uint64_t microseconds) {
    uint64_t until = metal_tsc() + microseconds * tsc_khz / 1000;

    while (metal_tsc() < until)
        __builtin_ia32_pause();
}
