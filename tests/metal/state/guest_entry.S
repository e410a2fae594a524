/* SPDX-License-Identifier: GPL-2.0-only */
/* The state test's guest: its first instructions, its ways out, its breakpoint handler. */
#include "guest.h"
#include "switch.inc"

#define VECTOR_TEST 0x42 /* what the host handles without an APIC */

	.section .text.start, "ax"
	leaq	GUEST_STACK_TOP(%rsi), %rsp
	xchgq	%rsi, %rdi
	call	state_guest_main
	ud2

	.text
	.globl	state_guest_int, state_guest_doorbell, state_guest_breakpoint, state_guest_stack
state_guest_int:
	enter_gprs
	load_flags
	load_callee_saved
	load_others
	int	$VECTOR_TEST
	store_gprs
	ret

state_guest_doorbell:
	enter_gprs
	movq	%rsi, %r10
	load_flags
	load_callee_saved
	movq	16(%rdi), %rdx
	movq	%r10, %rsi
	movabsq	$GUEST_VCPU_DATA, %rdi
	movabsq	$COOP_PASSAGE_VA + COOP_PASSAGE_DOORBELL, %rax
	call	*%rax
	store_gprs
	ret

/* The stack that an interrupt took. */
state_guest_breakpoint:
	movq	%rsp, %rax
	iretq
state_guest_stack:
	int3
	ret

	.section .note.GNU-stack, "", @progbits
