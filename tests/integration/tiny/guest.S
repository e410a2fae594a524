/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest of a few instructions: it says hello, rings doorbells, spins with interrupts on and counts events, misbehaves, and
 * powers off. Entered as the guest ABI says, on the monitor's identity tables, position independent. %rsi: a page of parameters.
 */
#include "doorbell.inc"
#include "program.h"

/* Behind the parameters. */
#define PARAM_IDT 0x1000
#define PARAM_STACK_TOP 0x4000
#define PARAM_TABLES 0x4000 /* three pages of page tables */

	.text
	.globl	tiny_start, tiny_end
tiny_start:
	movq	%rsi, %rbx
	movq	%rdi, %r15
	leaq	PARAM_STACK_TOP(%rbx), %rsp
	movq	PARAM_VCPU_PAGE(%rbx), %r12
	movq	PARAM_COUNT(%rbx), %r13

	/* "hello" into the log. */
	movl	$0x6c6c6568, 64(%r12)
	movw	$0x0a6f, 68(%r12)
	movl	$6, %edx
	doorbell COOP_DOORBELL_LOG

	movq	PARAM_MODE(%rbx), %rax
	cmpq	$TINY_EVENTS, %rax
	je	spin
	cmpq	$TINY_STUCK, %rax
	je	stuck
	cmpq	$TINY_FAULT, %rax
	je	fault
	cmpq	$TINY_MEASURE, %rax
	je	measure
	cmpq	$TINY_HARDWARE, %rax
	je	hardware

	/* TINY_DOORBELLS: count them. Registers must come back. */
1:	movq	$0x1234, %rbp
	movq	$0x5678, %r14
	doorbell 15 /* unknown: answered with an error */
	cmpq	$-95, %rax
	jne	wrong
	cmpq	$0x1234, %rbp
	jne	wrong
	cmpq	$0x5678, %r14
	jne	wrong
	decq	%r13
	jnz	1b
	jmp	power_off

/* TINY_MEASURE. */
measure:
	rdtsc
	movl	%eax, PARAM_ELAPSED(%rbx)
	movl	%edx, PARAM_ELAPSED + 4(%rbx)
1:	doorbell 15
	decq	%r13
	jnz	1b
	rdtsc
	shlq	$32, %rdx
	orq	%rax, %rdx
	subq	PARAM_ELAPSED(%rbx), %rdx
	movq	%rdx, PARAM_ELAPSED(%rbx)
	jmp	power_off

/* TINY_EVENTS: interrupts on, a timer event every PARAM_TICKS, until PARAM_COUNT events came; then WAIT the same number. */
spin:
	/* An IDT of the monitor's stubs, as the ABI asks. */
	xorl	%ecx, %ecx
	leaq	PARAM_IDT(%rbx), %rdi
	movabsq	$COOP_PASSAGE_VA + COOP_PASSAGE_STUBS, %rdx
2:	movw	%dx, (%rdi)
	movw	$0x10, 2(%rdi)
	movb	$COOP_IST_INTERRUPT, 4(%rdi)
	cmpl	$2, %ecx
	jne	3f
	movb	$COOP_IST_NMI, 4(%rdi)
3:	cmpl	$18, %ecx
	jne	3f
	movb	$COOP_IST_MCE, 4(%rdi)
3:	movb	$0x8e, 5(%rdi)
	movq	%rdx, %rax
	shrq	$16, %rax
	movw	%ax, 6(%rdi)
	shrq	$16, %rax
	movl	%eax, 8(%rdi)
	movl	$0, 12(%rdi)
	addq	$16, %rdi
	addq	$COOP_PASSAGE_STUB_STRIDE, %rdx
	incl	%ecx
	cmpl	$256, %ecx
	jne	2b
	subq	$16, %rsp
	movw	$4095, (%rsp)
	leaq	PARAM_IDT(%rbx), %rax
	movq	%rax, 2(%rsp)
	lidt	(%rsp)
	leaq	upcall(%rip), %rax
	movq	%rax, 16(%r12)
	/* SSE on: the vector registers are part of what must survive. */
	movq	%cr4, %rax
	orq	$0x600, %rax
	movq	%rax, %cr4
	movl	$0xabcdef01, %ecx
	movq	%rcx, %xmm3
	call	arm
	movl	$0xabcdef01, %ecx
	sti
	movl	$0x11, %r8d
	movl	$0x99, %r9d
4:	incq	PARAM_SPINS(%rbx)
	movq	%xmm3, %rdx
	cmpq	%rcx, %rdx
	jne	wrong
	cmpl	$0x11, %r8d
	jne	wrong
	cmpl	$0x99, %r9d
	jne	wrong
	cmpq	%r13, PARAM_EVENTS(%rbx)
	jb	4b
	cli
	/* Idle: wait for as many again, taking them by hand. */
5:	call	arm
6:	doorbell COOP_DOORBELL_WAIT
	xorl	%eax, %eax
	xchgq	%rax, (%r12)
	testq	$COOP_EVENT_TIMER, %rax
	jz	6b /* a device's, or the power button: not counted */
	decq	%r13
	jnz	5b
power_off:
	movl	$COOP_END_POWEROFF, %edx
	doorbell COOP_DOORBELL_END
wrong:
	movl	$COOP_END_PANIC, %edx
	doorbell COOP_DOORBELL_END

arm:
	rdtsc
	shlq	$32, %rdx
	orq	%rax, %rdx
	addq	PARAM_TICKS(%rbx), %rdx
	doorbell COOP_DOORBELL_TIMER
	ret

/* An event, as an interrupt. */
upcall:
	pushq	%rax
	pushq	%rcx
	pushq	%rdx
	pushq	%rsi
	pushq	%rdi
	pushq	%r8
	pushq	%r9
	pushq	%r10
	pushq	%r11
	xorl	%eax, %eax
	xchgq	%rax, (%r12)
	incq	PARAM_EVENTS(%rbx)
	call	arm
	popq	%r11
	popq	%r10
	popq	%r9
	popq	%r8
	popq	%rdi
	popq	%rsi
	popq	%rdx
	popq	%rcx
	popq	%rax
	iretq

/* TINY_STUCK and TINY_FAULT. */
stuck:
	pause
	jmp	stuck
fault:
	ud2

/*
 * TINY_HARDWARE: what no guest may do, in ways that harm nothing: the audit of hardware accesses must see it. PARAM_COUNT writes
 * to port 0x80, and one each of the others. Needs a host without five-level paging.
 */
hardware:
	movl	$0x42, %eax
1:	outb	%al, $0x80
	decq	%r13
	jnz	1b
	inb	$0x61, %al
	movl	$0x1b, %ecx /* APIC_BASE, and back what it was */
	rdmsr
	wrmsr
	movl	$0xfe, %r8d /* MTRRCAP, its number from a register */
	movl	%r8d, %ecx
	rdmsr
	movq	%cr8, %rax
	wbinvd
	/* Tables of its own: the first 4 GiB, and the passage. */
	leaq	PARAM_TABLES(%rbx), %rax
	leaq	0x1003(%rax), %rcx
	movq	%rcx, (%rax)
	leaq	0x2003(%rax), %rcx
	movq	%rcx, 511 * 8(%rax)
	movq	%r15, 0x2000 + 8 * COOP_PASSAGE_PUD_INDEX(%rax)
	movl	$0x83, %ecx
	movl	$4, %edx
	leaq	0x1000(%rax), %rsi
2:	movq	%rcx, (%rsi)
	addq	$1 << 30, %rcx
	addq	$8, %rsi
	decl	%edx
	jnz	2b
	movq	%rax, %cr3
	movl	$0xfee00030, %eax /* the local APIC's version */
	movl	(%rax), %ecx
	movl	$0x1000, %eax /* memory of the host's */
	movl	(%rax), %ecx
	jmp	power_off
tiny_end:

	.section .note.GNU-stack, "", @progbits
