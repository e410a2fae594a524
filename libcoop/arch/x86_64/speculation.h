/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Assembly only. SPECULATION_SAFE marks the next instruction, an indirect jump or a bare return, as meant to be so: Linux's objtool
 * refuses unmarked ones, and thunks of the host are out of reach where the host is not mapped.
 */
#ifndef COOP_ARCH_SPECULATION_H
#define COOP_ARCH_SPECULATION_H

.macro SPECULATION_SAFE
#ifdef __ELF__
.Lspeculation_safe_\@:
	.pushsection .discard.retpoline_safe, "", @progbits
	.long	.Lspeculation_safe_\@ - .
	.popsection
#endif
.endm

#endif
