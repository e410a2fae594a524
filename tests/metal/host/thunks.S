/* SPDX-License-Identifier: GPL-2.0-only */
/* The thunks that the core's and our code branch and return through. This kernel has no secrets: plain branches. */
	.text
	.irp	register, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
	.globl	__x86_indirect_thunk_\register
__x86_indirect_thunk_\register:
	jmp	*%\register
	.endr
	.globl	__x86_return_thunk
__x86_return_thunk:
	ret
	int3

	.section .note.GNU-stack, "", @progbits
