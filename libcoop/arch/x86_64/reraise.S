/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * void coop_reraise(unsigned vector in %edi), SysV: take a host vector that arrived while the guest ran through the host's own
 * IDT, by an INT n with interrupts off. It stays right with IST gates and with shadow stacks, and the host's handler does its
 * own EOI.
 */
#include "speculation.inc"

#define REPLAY_STRIDE_SHIFT 4

	.text
	.globl	coop_reraise
	.balign	16
#ifdef __ELF__
	.type	coop_reraise, @function
#endif
coop_reraise:
	endbr64
	movl	%edi, %eax
	shlq	$REPLAY_STRIDE_SHIFT, %rax
	leaq	.Lreplay(%rip), %rcx
	addq	%rcx, %rax
	SPECULATION_SAFE
	jmp	*%rax
#ifdef __ELF__
	.size	coop_reraise, . - coop_reraise
#endif

	.balign	16
.Lreplay:
	.set	vector, 0
	.rept	256
	.balign	16
	endbr64
	.byte	0xcd, vector
	SPECULATION_SAFE
	ret
	int3
	.set	vector, vector + 1
	.endr

#ifdef __ELF__
	.section .note.GNU-stack, "", @progbits
#endif
