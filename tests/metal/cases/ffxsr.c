// SPDX-License-Identifier: GPL-2.0-only
/* A host without XSAVE that has set EFER.FFXSR: XMM registers are switched all the same. */
#include "case.h"
#include "msr.h"

#include <cpuid.h>

enum { MSR_EFER = 0xc0000080, EFER_FFXSR = 1 << 14, CPUID81_EDX_FFXSR = 1 << 25, CPUID1_ECX_XSAVE = 1 << 26 };

static bool has_ffxsr(void) {
    uint32_t eax, ebx, ecx, edx;

    if (!__get_cpuid(0x80000001, &eax, &ebx, &ecx, &edx) || !(edx & CPUID81_EDX_FFXSR))
        return false;
    __cpuid(1, eax, ebx, ecx, edx);
    return !(ecx & CPUID1_ECX_XSAVE);
}

void case_ffxsr(void) {
    const uint64_t efer = read_msr(MSR_EFER), mine = 0x1234567887654321;
    uint64_t found = 0;

    if (!has_ffxsr()) {
        metal_skip("no FFXSR, or XSAVE");
        return;
    }
    struct metal_guest guest = GUEST(xmm);
    write_msr(MSR_EFER, efer | EFER_FFXSR);
    metal_signal(true);
    for (unsigned i = 0; i < 20; i++) {
        __asm__ volatile("movq %0, %%xmm5" ::"r"(mine + i));
        CHECK_EQUAL(metal_guest_run(&guest), 0);
        __asm__ volatile("movq %%xmm5, %0" : "=r"(found));
        CHECK_EQUAL(found, mine + i);
        CHECK(read_msr(MSR_EFER) & EFER_FFXSR);
    }
    CHECK_EQUAL(guest.parameters[PARAM_RESULT / 8], 19);
    CHECK_EQUAL(guest.parameters[PARAM_EVENTS / 8], 0);
    metal_guest_end(&guest);
    write_msr(MSR_EFER, efer);
}
