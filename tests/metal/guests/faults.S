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

/* Selectors whose segments are not present when they must be loaded again, and its bases: FS with one, GS. PARAM_RESULT: what is left. */
guest segments_gone
	own_gdt
	movq	0x18 + GDT_TABLE(%rbx), %rax
	movq	%rax, 0x20 + GDT_TABLE(%rbx)
	movl	$0x20, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %fs
	movl	%eax, %gs
	movl	$0xc0000100, %ecx
	movl	$0x12345, %eax
	xorl	%edx, %edx
	wrmsr
	incl	%ecx
	incl	%eax
	wrmsr
	btrq	$47, 0x20 + GDT_TABLE(%rbx)
	doorbell COOP_DOORBELL_YIELD
	movl	%ds, %eax
	movl	%es, %ecx
	orl	%ecx, %eax
	movl	%fs, %ecx
	orl	%ecx, %eax
	movl	%gs, %ecx
	orl	%ecx, %eax
	movq	%rax, PARAM_RESULT(%rbx)
	movl	$0xc0000100, %ecx
	rdmsr
	cmpl	$0x12345, %eax
	jne	9f
	incl	%ecx
	rdmsr
	cmpl	$0x12346, %eax
	jne	9f
	power_off
9:	panic
end_guest segments_gone

/* The same again and again: loads its segments, takes their descriptor away, yields. */
guest segments_going
	own_gdt
	movq	0x18 + GDT_TABLE(%rbx), %rax
	movq	%rax, 0x20 + GDT_TABLE(%rbx)
1:	btsq	$47, 0x20 + GDT_TABLE(%rbx)
	movl	$0x20, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %fs
	movl	%eax, %gs
	btrq	$47, 0x20 + GDT_TABLE(%rbx)
	incq	PARAM_RESULT(%rbx)
	doorbell COOP_DOORBELL_YIELD
	jmp	1b
end_guest segments_going

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
