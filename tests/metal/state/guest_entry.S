/* SPDX-License-Identifier: GPL-2.0-only */
/* The state test's guest: its first instructions, its ways out, its breakpoint handler. */
#include "guest.h"
#define AFTER_GPRS cli
#include "switch.inc"

#define REPORT_EVENTS 24 /* struct state_report */
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

/* An event: counted, no register touched. The parameters and the vCPU page are where the run is. */
	.globl	state_guest_upcall
state_guest_upcall:
	pushq	%rax
	pushq	%rbx
	leaq	state_guest_main(%rip), %rbx
	andq	$-GUEST_RUN_BYTES, %rbx
	xorl	%eax, %eax
	xchgq	%rax, GUEST_VCPU_PAGE(%rbx)
	incq	REPORT_EVENTS(%rbx)
	popq	%rbx
	popq	%rax
	iretq

/* The stack that an interrupt took. */
state_guest_breakpoint:
	movq	%rsp, %rax
	iretq
state_guest_stack:
	int3
	ret

	.section .note.GNU-stack, "", @progbits
