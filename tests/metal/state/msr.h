/* SPDX-License-Identifier: GPL-2.0-only */
/* Model-specific registers, for hosts' cases and guests in C; what there is of them <cpuid.h> asks. */
#ifndef METAL_MSR_H
#define METAL_MSR_H

#include <stdint.h>

static inline uint64_t read_msr(uint32_t number) {
    uint32_t low, high;

    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(number));
    return low | (uint64_t)high << 32;
}
static inline void write_msr(uint32_t number, uint64_t value) {
    __asm__ volatile("wrmsr" ::"c"(number), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
}

#endif
