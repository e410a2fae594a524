/* SPDX-License-Identifier: GPL-2.0-only */
/* Guests that ring doorbells. */
#include "guest.inc"

/* Says hello and powers off. */
guest hello
	movl	$0x6c6c6568, 64(%r12)
	movw	$0x0a6f, 68(%r12)
	movl	$6, %edx
	doorbell COOP_DOORBELL_LOG
	power_off
end_guest hello

/* PARAM_COUNT unknown doorbells: an error each, and the registers that a call keeps. */
guest unknown_doorbells
	movq	PARAM_COUNT(%rbx), %r13
1:	movq	$0x1234, %rbp
	movq	$0x5678, %r14
	movq	$0x9abc, %r15
	movq	%rsp, 8(%rbx)
	doorbell 15
	cmpq	$-95, %rax
	jne	9f
	cmpq	$0x1234, %rbp
	jne	9f
	cmpq	$0x5678, %r14
	jne	9f
	cmpq	$0x9abc, %r15
	jne	9f
	cmpq	8(%rbx), %rsp
	jne	9f
	decq	%r13
	jnz	1b
	power_off
9:	panic
end_guest unknown_doorbells

/* NOTIFY of device PARAM_ARGUMENT, queue PARAM_COUNT; the answer in PARAM_RESULT. */
guest notify
	movq	PARAM_ARGUMENT(%rbx), %rdx
	movq	PARAM_COUNT(%rbx), %rcx
	doorbell COOP_DOORBELL_NOTIFY
	movq	%rax, PARAM_RESULT(%rbx)
	power_off
end_guest notify

/* Yields for ever. */
guest yielding
1:	incq	PARAM_RESULT(%rbx)
	doorbell COOP_DOORBELL_YIELD
	jmp	1b
end_guest yielding

/* For ever: a doorbell that the monitor answers at once, and a yield. */
guest answered
1:	incq	PARAM_RESULT(%rbx)
	doorbell 15
	doorbell COOP_DOORBELL_YIELD
	jmp	1b
end_guest answered

/* For ever: counts PARAM_COUNT turns without leaving, and yields. */
guest turning
1:	movq	PARAM_COUNT(%rbx), %r13
2:	incq	PARAM_RESULT(%rbx)
	decq	%r13
	jnz	2b
	doorbell COOP_DOORBELL_YIELD
	jmp	1b
end_guest turning

/* PARAM_COUNT times: CR4 written as it was read, and a yield. */
guest same_cr4
	movq	PARAM_COUNT(%rbx), %r13
1:	movq	%cr4, %rax
	movq	%rax, %cr4
	doorbell COOP_DOORBELL_YIELD
	decq	%r13
	jnz	1b
	power_off
end_guest same_cr4

	.section .note.GNU-stack, "", @progbits
