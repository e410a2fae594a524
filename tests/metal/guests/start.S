/* SPDX-License-Identifier: GPL-2.0-only */
/* A guest that tells with what registers it began. */
#include "guest.inc"

#define CR4_OSFXSR (1 << 9)

/* Before anything that the other guests' first instructions do. */
	.section .rodata
	.balign	16
	.globl	metal_guest_first_state, metal_guest_first_state_end
metal_guest_first_state:
	movq	%rsp, FIRST_RSP(%rsi)
	pushfq
	popq	FIRST_RFLAGS(%rsi)
	movq	%cr2, %rax
	movq	%rax, FIRST_CR2(%rsi)
	movq	%db6, %rax
	movq	%rax, FIRST_DR6(%rsi)
	movq	%db7, %rax
	movq	%rax, FIRST_DR7(%rsi)
	fnstcw	FIRST_FCW(%rsi)
	movq	%cr4, %rax
	orq	$CR4_OSFXSR, %rax
	movq	%rax, %cr4
	stmxcsr	FIRST_MXCSR(%rsi)
	power_off
metal_guest_first_state_end:
	.previous

	.section .note.GNU-stack, "", @progbits
