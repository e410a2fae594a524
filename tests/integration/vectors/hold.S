/* SPDX-License-Identifier: GPL-2.0-only */
/* Assembly, so that no compiler uses a vector register between the load and the store. */
#include "hold.h"

#include <asm/unistd.h>

	.text
	.globl	hold
	.type	hold, @function
hold:
	pushq	%rbx
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsi, %r12	/* found */
	movq	%rdx, %r13	/* components */
	movl	%ecx, %ebx	/* kind */
	movq	%r8, %r14	/* count */
	movq	%r9, %r15	/* pages */

	movl	%r13d, %eax
	shrq	$32, %rdx
	testq	%r13, %r13
	jz	1f
	xrstor64 (%rdi)
	jmp	2f
1:	fxrstor64 (%rdi)
2:
	cmpl	$HOLD_CALL, %ebx
	je	call
	cmpl	$HOLD_YIELD, %ebx
	je	yield
	cmpl	$HOLD_FAULT, %ebx
	je	fault

spin:	decq	%r14
	jnz	spin
	jmp	store

call:	movl	$__NR_getppid, %eax
	syscall
	decq	%r14
	jnz	call
	jmp	store

yield:	movl	$__NR_sched_yield, %eax
	syscall
	decq	%r14
	jnz	yield
	jmp	store

fault:	movb	$1, (%r15)
	addq	$4096, %r15
	decq	%r14
	jnz	fault

store:	movl	%r13d, %eax
	movq	%r13, %rdx
	shrq	$32, %rdx
	testq	%r13, %r13
	jz	1f
	xsave64	(%r12)
	jmp	2f
1:	fxsave64 (%r12)
2:
	/* The ABI wants the x87 unit as it was: empty, and both control words with their defaults. */
	fninit
	pushq	$0x1f80
	ldmxcsr	(%rsp)
	popq	%rax
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	ret
	.size	hold, . - hold

	.section .note.GNU-stack, "", @progbits
