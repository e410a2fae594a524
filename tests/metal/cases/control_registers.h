/* SPDX-License-Identifier: GPL-2.0-only */
/* CR3 and CR4 of this CPU, and what is in them. */
#ifndef METAL_CONTROL_REGISTERS_H
#define METAL_CONTROL_REGISTERS_H

#include <cpuid.h>
#include <stdbool.h>
#include <stdint.h>

enum { CR4_PGE = 1 << 7, CR4_LA57 = 1 << 12, CR4_PCIDE = 1 << 17 };
#define CR3_ADDRESS 0x000ffffffffff000ull
#define CR3_PCID 0xfffull
#define CR3_NO_FLUSH (1ull << 63)

static inline uint64_t read_cr3(void) {
    uint64_t cr3;

    __asm__ volatile("mov %%cr3, %0" : "=r"(cr3));
    return cr3;
}
static inline void write_cr3(uint64_t cr3) {
    __asm__ volatile("mov %0, %%cr3" ::"r"(cr3) : "memory");
}
static inline uint64_t read_cr4(void) {
    uint64_t cr4;

    __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
    return cr4;
}
static inline void write_cr4(uint64_t cr4) {
    __asm__ volatile("mov %0, %%cr4" ::"r"(cr4) : "memory");
}

/* Whether the CPU has process-context identifiers. */
static inline bool has_pcid(void) {
    enum { CPUID1_ECX_PCID = 1 << 17 };
    uint32_t eax, ebx, ecx, edx;

    __cpuid(1, eax, ebx, ecx, edx);
    return ecx & CPUID1_ECX_PCID;
}

#endif
