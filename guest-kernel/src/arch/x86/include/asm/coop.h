/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Cooperative guest: what the rest of arch/x86 sees of it.
 *
 * The same image also boots natively; coop_guest tells which of the two this boot is. It is set by the cooperative entry point
 * before any C code runs and never changes.
 */
#ifndef _ASM_X86_COOP_H
#define _ASM_X86_COOP_H

#ifdef CONFIG_COOP_GUEST

#ifndef __ASSEMBLER__
#include <linux/types.h>
#include <asm/desc_defs.h>

struct x86_hw_tss;

extern bool coop_guest;

void coop_early_setup(void);
void coop_adjust_gate(unsigned int vector, gate_desc *gate);
void coop_setup_ist(struct x86_hw_tss *tss);
#endif

#else

#ifndef __ASSEMBLER__
#define coop_guest false
static inline void coop_early_setup(void) { }
#define coop_adjust_gate(vector, gate) do { } while (0)
#define coop_setup_ist(tss) do { } while (0)
#endif

#endif
#endif
