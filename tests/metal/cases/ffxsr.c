// SPDX-License-Identifier: GPL-2.0-only
/* A host without XSAVE that has set EFER.FFXSR: XMM registers are switched all the same. */
#include "case.h"

#define MSR_EFER 0xc0000080
#define EFER_FFXSR (1ull << 14)

static uint64_t read_efer(void) {
    uint32_t low, high;

    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(MSR_EFER));
    return low | (uint64_t)high << 32;
}
static void write_efer(uint64_t value) {
    __asm__ volatile("wrmsr" ::"c"(MSR_EFER), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}
static bool has_ffxsr(void) {
    uint32_t eax = 0x80000001, ecx, edx, features;

    __asm__ volatile("cpuid" : "+a"(eax), "=c"(ecx), "=d"(edx)::"ebx");
    eax = 1;
    __asm__ volatile("cpuid" : "+a"(eax), "=c"(features)::"ebx", "edx");
    return edx >> 25 & 1 && !(features >> 26 & 1);
}

void case_ffxsr(void) {
    const uint64_t efer = read_efer(), mine = 0x1234567887654321;
    uint64_t found = 0;

    if (!has_ffxsr())
        return;
    struct metal_guest guest = GUEST(xmm);
    write_efer(efer | EFER_FFXSR);
    metal_signal(true);
    for (unsigned i = 0; i < 20; i++) {
        __asm__ volatile("movq %0, %%xmm5" ::"r"(mine + i));
        CHECK_EQUAL(metal_guest_run(&guest), 0);
        __asm__ volatile("movq %%xmm5, %0" : "=r"(found));
        CHECK_EQUAL(found, mine + i);
        CHECK(read_efer() & EFER_FFXSR);
    }
    CHECK_EQUAL(guest.parameters[PARAM_RESULT / 8], 19);
    CHECK_EQUAL(guest.parameters[PARAM_EVENTS / 8], 0);
    metal_guest_end(&guest);
    write_efer(efer);
}
