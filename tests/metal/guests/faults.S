/* SPDX-License-Identifier: GPL-2.0-only */
/* Guests that misbehave. */
#include "guest.inc"

/* An exception before there is a handler: #UD … */
guest undefined
	ud2
end_guest undefined

/* … and a page fault at PARAM_ARGUMENT. */
guest page_fault
	movq	PARAM_ARGUMENT(%rbx), %rax
	movq	(%rax), %rax
	ud2
end_guest page_fault

/* A selector in DS whose segment is not present when it must be loaded again. */
guest bad_segment
	sgdt	GUEST_GDT(%rbx)
	movq	2 + GUEST_GDT(%rbx), %rsi
	leaq	16 + GUEST_GDT(%rbx), %rdi
	movl	$32, %ecx
	rep movsq
	leaq	16 + GUEST_GDT(%rbx), %rdi
	movq	%rdi, 2 + GUEST_GDT(%rbx)
	movq	0x18(%rdi), %rax
	movq	%rax, 0x20(%rdi)
	lgdt	GUEST_GDT(%rbx)
	movl	$0x20, %eax
	movl	%eax, %ds
	btrq	$47, 16 + 0x20 + GUEST_GDT(%rbx)
	doorbell COOP_DOORBELL_YIELD
	panic
end_guest bad_segment

/* Yields for ever with a GDT of its own that has no TSS, so the boot TSS stays in TR. */
guest no_tss
	sgdt	GUEST_GDT(%rbx)
	movq	2 + GUEST_GDT(%rbx), %rsi
	leaq	16 + GUEST_GDT(%rbx), %rdi
	movl	$4, %ecx
	rep movsq
	leaq	16 + GUEST_GDT(%rbx), %rdi
	movq	%rdi, 2 + GUEST_GDT(%rbx)
	lgdt	GUEST_GDT(%rbx)
1:	incq	PARAM_RESULT(%rbx)
	doorbell COOP_DOORBELL_YIELD
	jmp	1b
end_guest no_tss

/* Keeps interrupts off for ever. */
guest stuck
	load_idt
1:	incq	PARAM_RESULT(%rbx)
	pause
	jmp	1b
end_guest stuck

	.section .note.GNU-stack, "", @progbits
