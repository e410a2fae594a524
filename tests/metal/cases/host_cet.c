// SPDX-License-Identifier: GPL-2.0-only
/*
 * A host with control-flow enforcement on (SDM 1 18), as Linux has it: indirect branches of its kernel must
 * end at an ENDBR64; shadow stacks are for its programs. The guest runs without. Its exits, the interrupts
 * and NMIs that they bring, and NMIs from another CPU go through the passage and the host's handlers
 * meanwhile. No CET, nothing to see: of the machines here, only Bochs's Tiger Lake has it.
 */
#include "case.h"
#include "control_registers.h"
#include "msr.h"

#include <cpuid.h>

enum {
    CPUID7_ECX_SHSTK = 1 << 7,
    CPUID7_EDX_IBT = 1 << 20,
    CR4_CET = 1 << 23,
    U_CET = 0x6a0,
    S_CET = 0x6a2,
    PL0_SSP = 0x6a4,
    INTERRUPT_SSP_TABLE = 0x6a8,
    SH_STK_EN = 1 << 0,
    ENDBR_EN = 1 << 2,
    VECTOR_CONTROL_PROTECTION = 21,
};

static bool has_cet(void) {
    uint32_t eax, ebx, ecx, edx;

    return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && (edx & CPUID7_EDX_IBT) &&
           (ecx & CPUID7_ECX_SHSTK);
}

static uint64_t violations;
static void ignore(struct metal_frame* frame) {
    (void)frame;
}
static void note_violation(struct metal_frame* frame) {
    (void)frame;
    violations++;
}

/* A branch to where no ENDBR64 is: told of, and gone on with. */
static bool enforced(void) {
    const uint64_t before = violations;

    __asm__ volatile("leaq 1f(%%rip), %%rax\n\tjmp *%%rax\n1:\tnop" ::: "rax", "memory");
    return violations == before + 1;
}

static bool stop;
static uint64_t sent;
static void send_nmis(void* unused) {
    (void)unused;
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
        const uint64_t before = metal_count(VECTOR_NMI);

        metal_apic_send(0, APIC_NMI);
        sent++;
        while (metal_count(VECTOR_NMI) == before)
            __builtin_ia32_pause();
        metal_delay_us(metal_random() >> 58);
    }
}

static void stays(struct metal_guest guest, unsigned count) {
    bool good = true;

    for (unsigned i = 0; good && i < count; i++)
        good = metal_guest_run(&guest) == 0 && (read_cr4() & CR4_CET) && read_msr(S_CET) == ENDBR_EN;
    CHECK(good);
    CHECK_EQUAL(guest.run.end, 0);
    CHECK(enforced());
    CHECK(guest.parameters[PARAM_RESULT / 8] > 0);
    metal_guest_end(&guest);
}

void case_host_cet(void) {
    enum { STAYS = 200, KEPT = INTERRUPT_SSP_TABLE - PL0_SSP + 1 };
    const uint64_t cr4 = read_cr4();
    uint64_t kept[KEPT], nmis;

    if (!has_cet()) {
        metal_skip("no CET");
        return;
    }
    metal_handle(VECTOR_CONTROL_PROTECTION, note_violation);
    metal_handle(VECTOR_TEST, ignore); /* int_storm's */
    write_msr(S_CET, ENDBR_EN);
    write_msr(U_CET, SH_STK_EN);
    for (unsigned i = 0; i < KEPT; i++)
        write_msr(PL0_SSP + i, kept[i] = metal_random() >> 17 & ~7ull);
    write_cr4(cr4 | CR4_CET);
    CHECK(enforced());

    metal_signal(true);
    stays(GUEST(yielding), STAYS);
    stays(GUEST(int_storm), STAYS);
    nmis = metal_count(VECTOR_NMI);
    stays(GUEST(int_nmi_storm), STAYS);
    CHECK(metal_count(VECTOR_NMI) - nmis >= STAYS / 2);
    if (metal_smp()) {
        nmis = metal_count(VECTOR_NMI);
        stop = false;
        sent = 0;
        metal_smp_call(send_nmis, NULL);
        stays(GUEST(yielding), STAYS);
        __atomic_store_n(&stop, true, __ATOMIC_RELEASE);
        metal_smp_wait();
        CHECK(sent > 0);
        CHECK_EQUAL(metal_count(VECTOR_NMI) - nmis, sent);
    }

    CHECK_EQUAL(read_msr(U_CET), SH_STK_EN);
    for (unsigned i = 0; i < KEPT; i++) {
        CHECK_EQUAL(read_msr(PL0_SSP + i), kept[i]);
        write_msr(PL0_SSP + i, 0);
    }
    write_cr4(cr4);
    write_msr(S_CET, 0);
    write_msr(U_CET, 0);
    metal_handle(VECTOR_CONTROL_PROTECTION, NULL);
}
