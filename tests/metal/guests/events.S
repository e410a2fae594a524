/* SPDX-License-Identifier: GPL-2.0-only */
/* Guests that take events. */
#include "guest.inc"

/* The upcall they share: counts, arms the timer again. Its stack is aligned as by a gate: the frame's five words and nine more. */
.macro upcall
	push_all
	testb	$15, %spl
	jz	2009f
	panic
2009:	xorl	%eax, %eax
	xchgq	%rax, (%r12)
	incq	PARAM_EVENTS(%rbx)
	arm_timer
	pop_all
	iretq
.endm

/* Spins with interrupts on and an odd stack until PARAM_COUNT events have interrupted it, then waits for as many. */
guest events
	load_idt
	leaq	8f(%rip), %rax
	movq	%rax, 16(%r12)
	movq	PARAM_COUNT(%rbx), %r13
	arm_timer
	movl	$0x11, %r8d
	movl	$0x99, %r9d
	movl	$0x77, %ecx
	pushq	$0
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
 * Yields once, so that the case can make its tables; then CR3 PARAM_ARGUMENT, and spins in user mode. PARAM_COUNT events must find it
 * there, and come on the stack for that; their frames must lead back.
 */
#define USER_SS 0xe3
#define USER_CS 0xeb
#define ENTRY_STACK_TOP (GUEST_STACK_TOP - 0x1000)
guest user_events
	doorbell COOP_DOORBELL_YIELD
	movq	PARAM_ARGUMENT(%rbx), %rax
	movq	%rax, %cr3
	load_idt
	own_gdt
	movabsq	$0x00cff3000000ffff, %rax
	movq	%rax, GDT_TABLE + (USER_SS & ~7)(%rbx)
	movabsq	$0x00affb000000ffff, %rax
	movq	%rax, GDT_TABLE + (USER_CS & ~7)(%rbx)
	leaq	8f(%rip), %rax
	movq	%rax, 16(%r12)
	leaq	ENTRY_STACK_TOP + 8(%rbx), %rax
	movq	%rax, 24(%r12)
	arm_timer
	leaq	GUEST_STACK_TOP(%rbx), %rsp
	pushq	$USER_SS
	pushq	%rsp
	pushq	$0x202
	pushq	$USER_CS
	leaq	1f(%rip), %rax
	pushq	%rax
	iretq
1:	incq	PARAM_RESULT(%rbx)
	jmp	1b
8:	push_all
	leaq	ENTRY_STACK_TOP - (5 + 9) * 8(%rbx), %rax
	cmpq	%rax, %rsp
	jne	9f
	cmpq	$USER_CS, (9 + 1) * 8(%rsp)
	jne	9f
	cmpq	$USER_SS, (9 + 4) * 8(%rsp)
	jne	9f
	xorl	%eax, %eax
	xchgq	%rax, (%r12)
	incq	PARAM_EVENTS(%rbx)
	movq	PARAM_EVENTS(%rbx), %rax
	cmpq	PARAM_COUNT(%rbx), %rax
	je	7f
	arm_timer
	pop_all
	iretq
7:	power_off
9:	panic
end_guest user_events

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

/* The same with a GDT of its own, and TR loaded from it. */
guest spin_own_gdt
	load_idt
	own_gdt
	movl	$0x40, %eax
	ltr	%ax
	sti
1:	incq	PARAM_RESULT(%rbx)
	jmp	1b
end_guest spin_own_gdt

/* Waits for one event, whatever it is, and powers off; PARAM_RESULT: the bits. */
guest wait
	doorbell COOP_DOORBELL_WAIT
	xorl	%eax, %eax
	xchgq	%rax, (%r12)
	movq	%rax, PARAM_RESULT(%rbx)
	power_off
end_guest wait

	.section .note.GNU-stack, "", @progbits
