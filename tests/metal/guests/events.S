/* SPDX-License-Identifier: GPL-2.0-only */
/* Guests that take events. */
#include "guest.inc"

/* The upcall they share: counts, arms the timer again. */
.macro upcall
	push_all
	xorl	%eax, %eax
	xchgq	%rax, (%r12)
	incq	PARAM_EVENTS(%rbx)
	arm_timer
	pop_all
	iretq
.endm

/* Spins with interrupts on until PARAM_COUNT events have interrupted it, then waits for as many. */
guest events
	load_idt
	leaq	8f(%rip), %rax
	movq	%rax, 16(%r12)
	movq	PARAM_COUNT(%rbx), %r13
	arm_timer
	movl	$0x11, %r8d
	movl	$0x99, %r9d
	movl	$0x77, %ecx
	sti
1:	incq	PARAM_RESULT(%rbx)
	cmpl	$0x11, %r8d
	jne	9f
	cmpl	$0x99, %r9d
	jne	9f
	cmpl	$0x77, %ecx
	jne	9f
	cmpq	%r13, PARAM_EVENTS(%rbx)
	jb	1b
	cli
2:	arm_timer
3:	doorbell COOP_DOORBELL_WAIT
	xorl	%eax, %eax
	xchgq	%rax, (%r12)
	testq	$COOP_EVENT_TIMER, %rax
	jz	3b
	decq	%r13
	jnz	2b
	power_off
9:	panic
8:	upcall
end_guest events

/*
 * Keeps interrupts off and yields until an event is pending, then lets the self-interrupt in that the monitor left: PARAM_COUNT times.
 * PARAM_RESULT counts those that came within two instructions of STI.
 */
guest self_interrupt
	load_idt
	leaq	8f(%rip), %rax
	movq	%rax, 16(%r12)
	movq	PARAM_COUNT(%rbx), %r13
	arm_timer
1:	doorbell COOP_DOORBELL_YIELD
	cmpq	$0, (%r12)
	je	1b
	movq	PARAM_EVENTS(%rbx), %r14
	sti
	nop
	nop
	cli
	cmpq	PARAM_EVENTS(%rbx), %r14
	je	2f
	incq	PARAM_RESULT(%rbx)
2:	decq	%r13
	jnz	1b
	power_off
8:	upcall
end_guest self_interrupt

/* Spins for ever with interrupts on; PARAM_RESULT counts. */
guest spin
	load_idt
	sti
1:	incq	PARAM_RESULT(%rbx)
	jmp	1b
end_guest spin

/* Waits for one event, whatever it is, and powers off; PARAM_RESULT: the bits. */
guest wait
	doorbell COOP_DOORBELL_WAIT
	xorl	%eax, %eax
	xchgq	%rax, (%r12)
	movq	%rax, PARAM_RESULT(%rbx)
	power_off
end_guest wait

	.section .note.GNU-stack, "", @progbits
