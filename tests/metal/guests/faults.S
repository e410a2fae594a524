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

/*
 * Loads DS, ES, FS and GS with the four selectors in PARAM_ARGUMENT; 0x20's segment then goes away before they must be loaded
 * again. Its bases, FS with one, GS: stay. PARAM_RESULT: the selectors afterwards.
 */
guest segments_gone
	own_gdt
	movq	0x18 + GDT_TABLE(%rbx), %rax
	movq	%rax, 0x20 + GDT_TABLE(%rbx)
	movw	PARAM_ARGUMENT(%rbx), %ds
	movw	PARAM_ARGUMENT + 2(%rbx), %es
	movw	PARAM_ARGUMENT + 4(%rbx), %fs
	movw	PARAM_ARGUMENT + 6(%rbx), %gs
	movl	$0xc0000100, %ecx
	movl	$0x12345, %eax
	xorl	%edx, %edx
	wrmsr
	incl	%ecx
	incl	%eax
	wrmsr
	btrq	$47, 0x20 + GDT_TABLE(%rbx)
	doorbell COOP_DOORBELL_YIELD
	movw	%ds, PARAM_RESULT(%rbx)
	movw	%es, PARAM_RESULT + 2(%rbx)
	movw	%fs, PARAM_RESULT + 4(%rbx)
	movw	%gs, PARAM_RESULT + 6(%rbx)
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

/* Its TR names code when it must be loaded again; all its debug registers have PARAM_ARGUMENT, none of them on. */
guest no_tss_but_code
	own_gdt
	movq	PARAM_ARGUMENT(%rbx), %rax
	movq	%rax, %db0
	movq	%rax, %db1
	movq	%rax, %db2
	movq	%rax, %db3
	movabsq	$0x00af9b000000ffff, %rax
	movq	%rax, 0x40 + GDT_TABLE(%rbx)
1:	doorbell COOP_DOORBELL_YIELD
	jmp	1b
end_guest no_tss_but_code

/* Loads its segments, takes their descriptor away, yields; for ever. */
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
