/* SPDX-License-Identifier: GPL-2.0-only */
/* Where all vectors of the IDT lead: struct metal_frame on the stack, then metal_interrupt(). */
	.text
	.balign	16
	.globl	metal_vectors
metal_vectors:
	.set	vector, 0
	.rept	256
	.balign	16
	endbr64
	.if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || vector == 29 || vector == 30)
	pushq	$0
	.endif
	.byte	0x68
	.long	vector
	jmp	common
	.set	vector, vector + 1
	.endr

common:
	.irp	register, rax, rbx, rcx, rdx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15
	pushq	%\register
	.endr
	cld
	movq	%rsp, %rdi
	call	metal_interrupt
	.irp	register, r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rdx, rcx, rbx, rax
	popq	%\register
	.endr
	addq	$16, %rsp
	iretq

	.section .note.GNU-stack, "", @progbits
