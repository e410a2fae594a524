/* SPDX-License-Identifier: GPL-2.0-only */
/* Guests that break what the next switch or interrupt needs; the cases say how it must end. */
#include "arch/x86_64/passage_layout.h"
#include "guest.inc"

#define ZEROES 0x800 /* of the parameters */

/* MOV CR3, PARAM_ARGUMENT. */
guest load_cr3
	movq	PARAM_ARGUMENT(%rbx), %rax
	movq	%rax, %cr3
	doorbell COOP_DOORBELL_YIELD
	panic
end_guest load_cr3

/* Yields for ever without the bits PARAM_ARGUMENT of CR4; what it finds there goes to PARAM_EVENTS. */
guest clear_cr4
	movq	%cr4, %rax
	movq	PARAM_ARGUMENT(%rbx), %rcx
	notq	%rcx
	andq	%rcx, %rax
	movq	%rax, %cr4
1:	movq	%cr4, %rax
	orq	%rax, PARAM_EVENTS(%rbx)
	incq	PARAM_RESULT(%rbx)
	doorbell COOP_DOORBELL_YIELD
	jmp	1b
end_guest clear_cr4

/* No IDT at all. */
guest no_idt
	lidt	ZEROES(%rbx)
1:	doorbell COOP_DOORBELL_YIELD
	jmp	1b
end_guest no_idt

/* The byte PARAM_COUNT of its IDT inverted by PARAM_ARGUMENT. */
guest bad_gate
	load_idt
	movq	PARAM_COUNT(%rbx), %rax
	movq	PARAM_ARGUMENT(%rbx), %rdx
	xorb	%dl, GUEST_IDT(%rbx, %rax)
1:	doorbell COOP_DOORBELL_YIELD
	jmp	1b
end_guest bad_gate

/* An IDT at PARAM_ARGUMENT. */
guest idt_elsewhere
	subq	$16, %rsp
	movw	$4095, (%rsp)
	movq	PARAM_ARGUMENT(%rbx), %rax
	movq	%rax, 2(%rsp)
	lidt	(%rsp)
1:	doorbell COOP_DOORBELL_YIELD
	jmp	1b
end_guest idt_elsewhere

/* A GDT of limit PARAM_COUNT; at PARAM_ARGUMENT, unless that is 0. */
guest gdt_register
	own_gdt
	movq	PARAM_COUNT(%rbx), %rax
	movw	%ax, GDT_POINTER(%rbx)
	movq	PARAM_ARGUMENT(%rbx), %rax
	testq	%rax, %rax
	jz	1f
	movq	%rax, 2 + GDT_POINTER(%rbx)
1:	lgdt	GDT_POINTER(%rbx)
2:	doorbell COOP_DOORBELL_YIELD
	jmp	2b
end_guest gdt_register

/* PARAM_ARGUMENT as the descriptor PARAM_COUNT in its GDT. LDTR and TR are loaded already, from 0x80 and 0x40. */
guest gdt_entry
	own_gdt
	movabsq	$0x0000820000000fff, %rax
	movq	%rax, GDT_TABLE + 0x80(%rbx)
	movq	$0, GDT_TABLE + 0x88(%rbx)
	movl	$0x80, %eax
	lldt	%ax
	movq	PARAM_COUNT(%rbx), %rax
	movq	PARAM_ARGUMENT(%rbx), %rdx
	movq	%rdx, GDT_TABLE(%rbx, %rax)
1:	doorbell COOP_DOORBELL_YIELD
	jmp	1b
end_guest gdt_entry

/* The boot TSS under the selector PARAM_COUNT. */
guest task_register
	own_gdt
	movw	$64 * 8 - 1, GDT_POINTER(%rbx)
	lgdt	GDT_POINTER(%rbx)
	movq	PARAM_COUNT(%rbx), %rcx
	movl	%ecx, %edi
	andl	$~7, %edi
	movq	GDT_TABLE + 0x40(%rbx), %rax
	movq	GDT_TABLE + 0x48(%rbx), %rdx
	btrq	$41, %rax
	movq	%rax, GDT_TABLE(%rbx, %rdi)
	movq	%rdx, GDT_TABLE + 8(%rbx, %rdi)
	ltr	%cx
1:	doorbell COOP_DOORBELL_YIELD
	jmp	1b
end_guest task_register

/* DR0: PARAM_ARGUMENT, DR7: PARAM_COUNT. */
guest breakpoint
	movq	PARAM_ARGUMENT(%rbx), %rax
	movq	%rax, %db0
	movq	PARAM_COUNT(%rbx), %rax
	movq	%rax, %db7
1:	doorbell COOP_DOORBELL_YIELD
	jmp	1b
end_guest breakpoint

/* The same, but taken out by an interrupt. QEMU has its #DB too early, when the IDT is the guest's still. */
guest watched_interrupt
	load_idt
	catch_exceptions 1f
	movq	PARAM_ARGUMENT(%rbx), %rax
	movq	%rax, %db0
	movq	PARAM_COUNT(%rbx), %rax
	movq	%rax, %db7
	sti
	jmp	.
1:	iretq
end_guest watched_interrupt

/* Single steps into the doorbell, without a handler and … */
guest single_step
	pushfq
	orq	$0x100, (%rsp)
	popfq
	doorbell COOP_DOORBELL_YIELD
	panic
end_guest single_step

/* … with one, so that the passage itself is stepped through. */
guest single_step_on
	load_idt
	catch_exceptions 8f
	pushfq
	orq	$0x100, (%rsp)
	popfq
	doorbell COOP_DOORBELL_YIELD
	panic
8:	iretq
end_guest single_step_on

/* Rings with its stack at PARAM_ARGUMENT. */
guest stack_at_doorbell
	movq	PARAM_ARGUMENT(%rbx), %rsp
	doorbell COOP_DOORBELL_YIELD
	panic
end_guest stack_at_doorbell

/* Spins with interrupts on and its stack at PARAM_ARGUMENT; PARAM_RESULT counts. An event wants that stack. */
guest stack_at_interrupt
	load_idt
	leaq	1f(%rip), %rax
	movq	%rax, 16(%r12)
	movq	PARAM_ARGUMENT(%rbx), %rsp
	sti
1:	incq	PARAM_RESULT(%rbx)
	jmp	1b
end_guest stack_at_interrupt

/* Spins with interrupts on and PARAM_ARGUMENT as its upcall. Its own exceptions end it. */
guest wild_upcall
	load_idt
	catch_exceptions 8f
	movq	PARAM_ARGUMENT(%rbx), %rax
	movq	%rax, 16(%r12)
	sti
1:	incq	PARAM_RESULT(%rbx)
	jmp	1b
8:	leaq	GUEST_STACK_TOP(%rbx), %rsp
	panic
end_guest wild_upcall

/* Storms of its own making: a vector of the host's, and NMI. */
guest int_storm
	load_idt
1:	incq	PARAM_RESULT(%rbx)
	int	$0x42
	jmp	1b
end_guest int_storm

guest int_nmi_storm
	load_idt
1:	incq	PARAM_RESULT(%rbx)
	int	$2
	jmp	1b
end_guest int_nmi_storm

/* HLT with interrupts off. */
guest halted
	load_idt
1:	hlt
	incq	PARAM_RESULT(%rbx)
	jmp	1b
end_guest halted

/*
 * Rings all doorbells but END and the answer to WAIT, with arguments that are 0, small, in the past, soon, far away, any. A number's low bits
 * choose. Interrupts are on between the doorbells, the upcall returns at once, and exceptions end it.
 */
guest flood
	load_idt
	catch_exceptions 9f
	leaq	8f(%rip), %rax
	movq	%rax, 16(%r12)
	movq	PARAM_ARGUMENT(%rbx), %rbp
	orq	$1, %rbp
1:	sti
	incq	PARAM_RESULT(%rbx)
	cli
	movq	%rbp, %rax /* xorshift */
	shlq	$13, %rax
	xorq	%rax, %rbp
	movq	%rbp, %rax
	shrq	$7, %rax
	xorq	%rax, %rbp
	movq	%rbp, %rax
	shlq	$17, %rax
	xorq	%rax, %rbp

	rdtsc
	shlq	$32, %rdx
	orq	%rax, %rdx
	movq	%rbp, %rcx
	shrq	$40, %rcx
	movl	%ebp, %eax
	shrl	$8, %eax
	andl	$7, %eax
	jz	2f /* the timer: now */
	decl	%eax
	jz	3f /* off */
	decl	%eax
	jz	4f /* in the past */
	decl	%eax
	jz	5f /* soon */
	decl	%eax
	jz	6f /* never */
	decl	%eax
	jz	7f /* the first of all */
	movq	%rbp, %rdx
	jmp	2f
3:	xorl	%edx, %edx
	jmp	2f
4:	subq	%rcx, %rdx
	jmp	2f
5:	andl	$0xffff, %ecx
	addq	%rcx, %rdx
	jmp	2f
6:	movq	$-1, %rdx
	jmp	2f
7:	movl	$1, %edx
2:	movl	%ebp, %esi
	andl	$0xf, %esi
	cmpl	$COOP_DOORBELL_END, %esi
	je	1b
	cmpl	$COOP_DOORBELL_WAIT, %esi
	je	1b
	movq	%rbp, %r8
	movabsq	$GUEST_VCPU_DATA, %rdi
	movabsq	$COOP_PASSAGE_VA + COOP_PASSAGE_DOORBELL, %rax
	call	*%rax
	jmp	1b
8:	push_all
	xorl	%eax, %eax
	xchgq	%rax, (%r12)
	incq	PARAM_EVENTS(%rbx)
	pop_all
	iretq
9:	leaq	GUEST_STACK_TOP(%rbx), %rsp
	panic
end_guest flood

/* Yields until PARAM_ARGUMENT is the root of page tables; takes them and goes to PARAM_COUNT, with interrupts off. */
guest own_tables
	load_idt
1:	doorbell COOP_DOORBELL_YIELD
	movq	PARAM_ARGUMENT(%rbx), %rax
	testq	%rax, %rax
	jz	1b
	movq	%rax, %cr3
	jmp	*PARAM_COUNT(%rbx)
end_guest own_tables

/* Yields once; then what nobody contains, by PARAM_COUNT (fatal.py has the names). */
guest fatal
	load_idt
	doorbell COOP_DOORBELL_YIELD
	movq	PARAM_COUNT(%rbx), %rax
	testl	%eax, %eax
	jz	1f
	.irp	way, 2f, 3f, 4f, 5f, 6f, 7f, 16f, 10f, 11f, 12f, 13f, 14f
	decl	%eax
	jz	\way
	.endr
	panic
1:	lidt	ZEROES(%rbx)
	jmp	9f
2:	lgdt	ZEROES(%rbx)
	jmp	9f
3:	movl	$0xc0000080, %ecx
	rdmsr
	btrl	$11, %eax
	wrmsr
	jmp	8f
4:	movabsq	$GUEST_VCPU_DATA, %rdi
	movl	$64, %ecx
	movq	$-1, %rax
	rep stosq
	jmp	8f
5:	lidt	ZEROES(%rbx)
	ud2
6:	leaq	GUEST_TABLES(%rbx), %rax
	movq	%rax, %cr3
	/* With a fast doorbell it stays in the same critical section, and the word stays as it is. */
7:	movabsq	$GUEST_VCPU_DATA, %rdi
	movq	$-1, PASSAGE_HOST_CR4_NO_PGE(%rdi)
	doorbell 15
8:	doorbell COOP_DOORBELL_YIELD
9:	sti
	jmp	.
10:	movb	$0xfe, %al
	outb	%al, $0x64
	jmp	9b
	/* A TSS of zeroes under 0x60. */
11:	own_gdt
	leaq	ZEROES(%rbx), %rdx
	movq	%rdx, %rax
	andl	$0xffffff, %eax
	shlq	$16, %rax
	movq	%rdx, %rcx
	shrq	$24, %rcx
	shlq	$56, %rcx
	orq	%rcx, %rax
	movabsq	$0x0000890000000067, %rcx
	orq	%rcx, %rax
	movq	%rax, GDT_TABLE + 0x60(%rbx)
	shrq	$32, %rdx
	movq	%rdx, GDT_TABLE + 0x68(%rbx)
	movl	$0x60, %eax
	ltr	%ax
	jmp	9b
	/* Tables of its own, all but the passage. */
12:	movq	PARAM_ARGUMENT(%rbx), %rax
	movq	%rax, %cr3
	jmp	9b
	/* The gate of NMIs leads back at once, and interrupts are off. */
13:	leaq	15f(%rip), %rax
	movw	%ax, GUEST_IDT + 2 * 16(%rbx)
	shrq	$16, %rax
	movw	%ax, GUEST_IDT + 2 * 16 + 6(%rbx)
	shrq	$16, %rax
	movl	%eax, GUEST_IDT + 2 * 16 + 8(%rbx)
	jmp	.
14:	movq	%cr4, %rax
	btrq	$6, %rax
	movq	%rax, %cr4
	jmp	.
15:	iretq
16:	movabsq	$GUEST_VCPU_DATA, %rdi
	movq	$-1, PASSAGE_HOST + WORLD_CR4(%rdi)
	jmp	8b
end_guest fatal

	.section .note.GNU-stack, "", @progbits
