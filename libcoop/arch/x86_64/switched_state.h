/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The table of MSRs that the worlds do not share; docs/world-switch.md has the reasons, and why others are
 * not here. The core switches the resident ones by this table, and tests/metal fills and verifies all by it:
 * such a row is enough for both. (The registers that are no MSRs are few, and each is loaded by an
 * instruction of its own: passage.S, resident_state.cpp.)
 */
#ifndef COOP_ARCH_SWITCHED_STATE_H
#define COOP_ARCH_SWITCHED_STATE_H

#include <cpuid.h>

/* The machines that have a row's MSR. */
static inline int coop_always(void) {
    return 1;
}
static inline int coop_has_tsc_aux(void) { /* RDTSCP or RDPID */
    unsigned a, b, c = 0, d = 0, rdpid = 0;

    __get_cpuid_count(0x80000001, 0, &a, &b, &c, &d);
    __get_cpuid_count(7, 0, &a, &b, &rdpid, &c);
    return (d >> 27 | rdpid >> 22) & 1;
}
static inline int
coop_has_spec_ctrl(void) { /* Intel: IBRS/IBPB, STIBP, SSBD; AMD: the same three in its own leaf */
    const unsigned intel = 1u << 26 | 1u << 27 | 1u << 31, amd = 1u << 14 | 1u << 15 | 1u << 24;
    unsigned a, b = 0, c, d = 0;

    __get_cpuid_count(7, 0, &a, &b, &c, &d);
    b = 0;
    __get_cpuid_count(0x80000008, 0, &a, &b, &c, &c);
    return (d & intel) || (b & amd);
}

#define COOP_MSR_ADDRESS 0xffffffffffffffff /* any canonical address */

/*
 * name, number, which machines have it, whether the guest starts with the host's value (else 0: the base of
 * something that is the host's alone), bits that either world may set as it likes. In the order of their
 * loading.
 */
#define COOP_RESIDENT_MSRS(ROW)                                      \
    ROW(efer, 0xc0000080, always, true, 0x1)                         \
    ROW(star, 0xc0000081, always, true, 0xffffffff00000000)          \
    ROW(lstar, 0xc0000082, always, false, COOP_MSR_ADDRESS)          \
    ROW(cstar, 0xc0000083, always, false, COOP_MSR_ADDRESS)          \
    ROW(sfmask, 0xc0000084, always, true, 0xffffffff)                \
    ROW(sysenter_cs, 0x174, always, true, 0xffff)                    \
    ROW(sysenter_esp, 0x175, always, false, COOP_MSR_ADDRESS)        \
    ROW(sysenter_eip, 0x176, always, false, COOP_MSR_ADDRESS)        \
    ROW(fs_base, 0xc0000100, always, false, COOP_MSR_ADDRESS)        \
    ROW(kernel_gs_base, 0xc0000102, always, false, COOP_MSR_ADDRESS) \
    ROW(tsc_aux, 0xc0000103, has_tsc_aux, false, 0xffffffff)         \
    ROW(spec_ctrl, 0x48, has_spec_ctrl, true, 0x5)

/* Exchanged by the passage at each switch. */
#define COOP_PASSAGE_MSRS(ROW) ROW(gs_base, 0xc0000101, always, false, COOP_MSR_ADDRESS)

#endif
