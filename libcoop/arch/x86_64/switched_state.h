/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The table of MSRs that the worlds do not share; docs/world-switch.md has the reasons, and why others are
 * not here. The core switches by this table, and tests/metal fills and verifies by it: a row is enough for
 * both. (The registers that are no MSRs are few, and each is loaded by an instruction of its own: passage.S,
 * resident_state.cpp.)
 */
#ifndef COOP_ARCH_SWITCHED_STATE_H
#define COOP_ARCH_SWITCHED_STATE_H

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
