/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The world switch. docs/world-switch.md explains the numbered steps.
 *
 * %rdi is the vCPU's passage data in the view that is in force; %rsp is a valid stack at every instruction, and so are GDT and
 * IDT, since an NMI or #MC can come anywhere. One that hits the passage is recorded in PASSAGE_PENDING and replayed by the host;
 * the handler then returns without IRET, which keeps further NMIs blocked until the host's own handler has run.
 *
 * This text runs at two addresses (host and guest view): only %rip-relative addressing.
 */
#include "coop/guest/abi.h"
#include "passage_layout.h"

#define HOST(field) (PASSAGE_HOST + WORLD_##field)(%rdi)
#define GUEST(field) (PASSAGE_GUEST + WORLD_##field)(%rdi)
#define DATA(field) PASSAGE_##field(%rdi)
#define GPR(number) (PASSAGE_GPR + 8 * number)(%rdi)

#define CR4_PGE 0x80
#define MSR_FS_BASE 0xc0000100
#define MSR_GS_BASE 0xc0000101
#define DR7_IDLE 0x400
#define TSS_BUSY_BIT 41
#define TSS_TYPE_BYTE 5
#define TSS_AVAILABLE 0x89
#define KERNEL_CS 0x10 /* both worlds': guest ABI, and every 64-bit kernel we run beside */
#define KERNEL_SS 0x18
#define RFLAGS_CLEARED_BY_GATE 0x34300 /* TF IF NT RF VM */
/* In a descriptor's upper half, what makes a flat segment of ring 0: P, DPL, S and the kind; 64-bit code, writable data. */
#define CODE_RIGHTS_MASK 0x60f800
#define CODE_RIGHTS 0x209800
#define DATA_RIGHTS_MASK 0xfe00
#define DATA_RIGHTS 0x9200
#define LEAST_GDT_LIMIT (KERNEL_SS + 7)
#define LEAST_IDT_LIMIT (16 * VECTOR_MACHINE_CHECK + 15)
#define VECTOR_NMI 2
#define VECTOR_MACHINE_CHECK 18
/* An interrupt gate of ring 0 to the guest's stub of that vector (SDM 3A figure 6-8); the IST is the guest's affair. */
#define STUB(vector) (COOP_PASSAGE_VA + COOP_PASSAGE_STUBS + COOP_PASSAGE_STUB_STRIDE * vector)
#define GATE_MASK 0xffffff00ffffffff
#define GATE_LOW(vector) ((STUB(vector) & 0xffff) | KERNEL_CS << 16 | 0x8e << 40 | ((STUB(vector) >> 16) & 0xffff) << 48)
#define GATE_HIGH(vector) (STUB(vector) >> 32)
#define HAS_ERROR_CODE(v) (v == 8 || (v >= 10 && v <= 14) || v == 17 || v == 21 || v == 29 || v == 30)

#ifdef __ELF__
#define PASSAGE_SECTION .section .text.passage, "ax", @progbits
#else
#define PASSAGE_SECTION .section .text$passage, "x"
#endif
#include "speculation.inc"

.macro save_msr msr, field
	movl	$\msr, %ecx
	rdmsr
	movl	%eax, \field
	movl	%edx, 4 + \field
.endm

.macro load_msr msr, field
	movl	$\msr, %ecx
	movl	\field, %eax
	movl	4 + \field, %edx
	wrmsr
.endm

	PASSAGE_SECTION
	.balign	4096
	.globl	coop_passage_start
coop_passage_start:
#ifdef __ELF__
	/* All of it one function with no stack frames, for objtool. */
	.type	coop_passage_start, @function
	.size	coop_passage_start, PASSAGE_TEXT_BYTES
	.pushsection .discard.func_stack_frame_non_standard, "aw", @progbits
	.long	coop_passage_start - .
	.popsection
#endif

/* ---- The doorbell: the guest calls, %rdi = its data, reason and arguments in %rsi, %rdx, %rcx, %r8 ------------------------- */
	endbr64
	pushfq
	cli
	popq	DATA(RFLAGS)
	popq	DATA(RIP)
	movq	%rsp, DATA(RSP)
	movq	$KERNEL_CS, DATA(CS)
	movq	$KERNEL_SS, DATA(SS)
	movq	%rcx, GPR(1)
	movq	%rdx, GPR(2)
	movq	%rbx, GPR(3)
	movq	%rbp, GPR(5)
	movq	%rsi, GPR(6)
	movq	%r8, GPR(8)
	movq	%r12, GPR(12)
	movq	%r13, GPR(13)
	movq	%r14, GPR(14)
	movq	%r15, GPR(15)
	movq	$PASSAGE_VECTOR_DOORBELL, DATA(VECTOR)
	leaq	PASSAGE_STACK_TOP(%rdi), %rsp

/* ---- Leave: the guest's general registers are saved ----------------------------------------------------------------------- */
.Lleave:
	/* L1: save the guest's world; from lidt on, NMIs come through the passage's IDT on the passage's stack. */
	sidt	GUEST(IDTR)
	lidt	DATA(IDT_GUEST_POINTER)
	sgdt	GUEST(GDTR)
	str	GUEST(TR)
	movq	%cr3, %rax
	movq	%rax, GUEST(CR3)
	save_msr MSR_GS_BASE, GUEST(GS_BASE)
	movq	%cr0, %rax
	movq	%rax, GUEST(CR0)
	cmpq	HOST(CR0), %rax
	jne	.Lleave_cr0
.Lleave_cr0_done:
	movq	%db7, %rax
	movq	%rax, GUEST(DR7)
	cmpq	$DR7_IDLE, %rax
	jne	.Lleave_dr7
.Lleave_dr7_done:
	/* L2: drop every translation of the guest's, global ones too (SDM 3A 4.10.4.1), and take the intermediate address space. */
	movq	%cr4, %rax
	movq	%rax, GUEST(CR4)
	andq	$~CR4_PGE, %rax
	movq	%rax, %cr4
	lgdt	DATA(GDT_GUEST_POINTER)
	movq	DATA(INTERMEDIATE_CR3), %rax
	movq	%rax, %cr3

	/* L3: change from the guest view to the host view. */
	SPECULATION_SAFE
	jmp	*DATA(HOST_VIEW)
.Lhost_view:
	endbr64
	movq	DATA(SELF_HOST), %rdi
	leaq	PASSAGE_STACK_TOP(%rdi), %rsp
	lgdt	DATA(GDT_HOST_POINTER)
	lidt	DATA(IDT_HOST_POINTER)

	/*
	 * L4: the host's address space and registers. CR4 first: its PCIDE, which the guest may have cleared, can be set only under
	 * PCID 0, the intermediate one's. TR comes from the passage's GDT, where the busy bit can be cleared.
	 */
	movq	HOST(CR4), %rax
	movq	%rax, %cr4
	movq	HOST(CR3), %rax
	movq	%rax, %cr3
	movzwl	HOST(TR), %ecx
	movb	$TSS_AVAILABLE, PASSAGE_GDT_HOST + TSS_TYPE_BYTE(%rdi, %rcx)
	ltr	%cx
	lgdt	HOST(GDTR)
	movw	HOST(SS), %ss
	load_msr MSR_GS_BASE, HOST(GS_BASE)

	/* L5: the host's stack and IDT. */
	movq	HOST(RSP), %rsp
	lidt	HOST(IDTR)
	popfq
	popq	%rbp
	SPECULATION_SAFE
	ret
	int3

/*
 * The guest left with a CR0 of its own, or with breakpoints on: the next entry loads them again. The host's CR0 goes before its
 * CR4, since CET may be set only while CR0.WP is.
 */
.Lleave_cr0:
	movq	HOST(CR0), %rax
	movq	%rax, %cr0
	orl	$PASSAGE_LOAD_CR0, DATA(LOADS)
	jmp	.Lleave_cr0_done
.Lleave_dr7:
	movl	$DR7_IDLE, %eax
	movq	%rax, %db7
	orl	$PASSAGE_LOAD_DR7, DATA(LOADS)
	jmp	.Lleave_dr7_done

/*
 * ---- Enter: data in %rdi; interrupts off, the host's world captured, nothing pending --------------------------------------
 * Returns with every register lost but %rsp and %rbp.
 */
	.globl	coop_passage_enter
	.balign	16
coop_passage_enter:
	endbr64
	/* E1: the passage's own stack, IDT and GDT. Nothing has been taken from the guest yet. */
	pushq	%rbp
	pushfq
	movq	$PASSAGE_VECTOR_ABORT, DATA(VECTOR)
	movq	%rsp, HOST(RSP)
	leaq	PASSAGE_STACK_TOP(%rdi), %rsp
	lidt	DATA(IDT_HOST_POINTER)
	lgdt	DATA(GDT_HOST_POINTER)

	/* E2: drop every translation of the host's and take the intermediate address space. */
	movq	DATA(HOST_CR4_NO_PGE), %rax
	movq	%rax, %cr4
	movq	DATA(INTERMEDIATE_CR3), %rax
	movq	%rax, %cr3

	/* E3: change from the host view to the guest view. The stack's top is now the frame to return to the guest with. */
	SPECULATION_SAFE
	jmp	*DATA(GUEST_VIEW)
.Lguest_view:
	endbr64
	movq	DATA(SELF_GUEST), %rdi
	leaq	PASSAGE_STACK_TOP(%rdi), %rsp
	lgdt	DATA(GDT_GUEST_POINTER)
	lidt	DATA(IDT_GUEST_POINTER)

	/* E4: the guest's address space and registers. A fault from here on ends the guest, not the host. */
	movq	GUEST(CR3), %rax
	movq	%rax, %cr3
	movq	GUEST(CR4), %rax
	movq	%rax, %cr4
	/* A GDT without a busy TSS there (the guest has loaded it, but not yet its TR) means that the boot TSS is still in TR. */
	movzwl	GUEST(TR), %ecx
	movq	2 + GUEST(GDTR), %rax
	movq	(%rax, %rcx), %rdx
	movq	8(%rax, %rcx), %rsi
	btrq	$TSS_BUSY_BIT, %rdx
	jnc	.Lboot_tss
.Ltss:
	movq	%rdx, PASSAGE_GDT_GUEST(%rdi, %rcx)
	movq	%rsi, PASSAGE_GDT_GUEST + 8(%rdi, %rcx)
	ltr	%cx
	cmpl	$0, DATA(LOADS)
	jne	.Lcheck_tables
.Ltables_good:
	lgdt	GUEST(GDTR)
	cmpl	$0, DATA(LOADS)
	jne	.Lloads
.Lloads_done:
	load_msr MSR_GS_BASE, GUEST(GS_BASE)

	/* E5: the guest's IDT and general registers. */
	lidt	GUEST(IDTR)
	movq	GPR(0), %rax
	movq	GPR(1), %rcx
	movq	GPR(2), %rdx
	movq	GPR(3), %rbx
	movq	GPR(5), %rbp
	movq	GPR(6), %rsi
	movq	GPR(8), %r8
	movq	GPR(9), %r9
	movq	GPR(10), %r10
	movq	GPR(11), %r11
	movq	GPR(12), %r12
	movq	GPR(13), %r13
	movq	GPR(14), %r14
	movq	GPR(15), %r15

	/* E6: from this check to the end of iretq an NMI or #MC makes the handler leave again instead. */
.Lwindow:
	cmpq	$0, DATA(PENDING)
	jne	.Lleave
	movq	GPR(7), %rdi
.Lwindow_last:
	iretq

.Lboot_tss:
	movq	DATA(BOOT_TSS_DESCRIPTOR), %rdx
	movq	8 + DATA(BOOT_TSS_DESCRIPTOR), %rsi
	jmp	.Ltss

/*
 * What few entries need. Before it a look at the guest's GDT and IDT: broken ones would make of IRETQ or the next NMI a reset,
 * while here the passage's own are in force still.
 */
.macro check_gate vector
	movabsq	$GATE_LOW(\vector), %rdx
	movq	16 * \vector(%rsi), %rax
	andq	%rcx, %rax
	cmpq	%rdx, %rax
	jne	.Lbad_tables
	cmpl	$GATE_HIGH(\vector), 16 * \vector + 8(%rsi)
	jne	.Lbad_tables
.endm
.Lcheck_tables:
	cmpw	$LEAST_GDT_LIMIT, GUEST(GDTR)
	jb	.Lbad_tables
	movq	2 + GUEST(GDTR), %rsi
	movl	KERNEL_CS + 4(%rsi), %eax
	andl	$CODE_RIGHTS_MASK, %eax
	cmpl	$CODE_RIGHTS, %eax
	jne	.Lbad_tables
	movl	KERNEL_SS + 4(%rsi), %eax
	andl	$DATA_RIGHTS_MASK, %eax
	cmpl	$DATA_RIGHTS, %eax
	jne	.Lbad_tables
	cmpw	$LEAST_IDT_LIMIT, GUEST(IDTR)
	jb	.Lbad_tables
	movq	2 + GUEST(IDTR), %rsi
	movabsq	$GATE_MASK, %rcx
	check_gate VECTOR_NMI
	check_gate VECTOR_MACHINE_CHECK
	jmp	.Ltables_good

.Lloads:
	testl	$PASSAGE_LOAD_SEGMENTS, DATA(LOADS)
	jz	1f
	/* Loading FS clears its base, which belongs to the resident state: keep it. */
	lldt	GUEST(LDTR)
	movl	$MSR_FS_BASE, %ecx
	rdmsr
.Lload_ds:
	movw	GUEST(DS), %ds
.Lload_es:
	movw	GUEST(ES), %es
.Lload_fs:
	movw	GUEST(FS), %fs
.Lload_gs:
	movw	GUEST(GS), %gs
	wrmsr
1:	testl	$PASSAGE_LOAD_CR0, DATA(LOADS)
	jz	1f
	movq	GUEST(CR0), %rax
	movq	%rax, %cr0
1:	testl	$PASSAGE_LOAD_EVENT, DATA(LOADS)
	jz	1f

	/* Deliver an event as an interrupt gate of the guest's would (SDM 3A 6.14.2): what it interrupts goes onto the guest's stack. */
	movq	DATA(INJECT_RSP), %rax
	movq	DATA(SS), %rdx
	movq	%rdx, -8(%rax)
	movq	DATA(RSP), %rdx
	movq	%rdx, -16(%rax)
	movq	DATA(RFLAGS), %rdx
	movq	%rdx, -24(%rax)
	movq	DATA(CS), %rcx
	movq	%rcx, -32(%rax)
	movq	DATA(RIP), %rcx
	movq	%rcx, -40(%rax)
	leaq	-40(%rax), %rax
	andq	$~RFLAGS_CLEARED_BY_GATE, %rdx
	pushq	$KERNEL_SS
	pushq	%rax
	pushq	%rdx
	pushq	$KERNEL_CS
	pushq	DATA(INJECT_RIP)
1:	testl	$PASSAGE_LOAD_DR7, DATA(LOADS)
	movl	$0, DATA(LOADS)
	jz	.Lloads_done
	movq	GUEST(DR7), %rax
	movq	%rax, %db7
	jmp	.Lloads_done

/* ---- Taken: an interrupt, NMI, #MC or exception reached one of the stubs --------------------------------------------------- */
/* Stack: rax rdi vector error | rip cs rflags rsp ss. */
#define TAKEN_RAX 0
#define TAKEN_RDI 8
#define TAKEN_VECTOR 16
#define TAKEN_RIP 32
#define TAKEN_RFLAGS 48
#define TAKEN_RSP 56
#define TAKEN_STACK_TOP 72

/* Through the guest's IDT: on an interrupt stack, whose top holds the data's address. */
.Ltaken_guest:
	pushq	%rdi
	pushq	%rax
	movq	TAKEN_STACK_TOP(%rsp), %rdi
	jmp	.Ltaken

/* Through one of the passage's IDTs: on any stack; the data's address stands behind the IDT. */
.Ltaken_passage:
	pushq	%rdi
	pushq	%rax
	subq	$16, %rsp
	sidt	(%rsp)
	movq	2(%rsp), %rdi
	addq	$16, %rsp
	movq	PASSAGE_IDT_SELF(%rdi), %rdi
	movq	TAKEN_RIP(%rsp), %rax
	subq	DATA(TEXT_HOST), %rax
	cmpq	$PASSAGE_TEXT_BYTES, %rax
	jb	.Linside

	/* The guest's IDT is never in force in the host view, so what the guest has at that address is its own. */
.Ltaken:
	movq	TAKEN_RIP(%rsp), %rax
	subq	DATA(TEXT_GUEST), %rax
	cmpq	$PASSAGE_TEXT_BYTES, %rax
	jb	.Linside

.Ltaken_from_guest:
	popq	GPR(0)
	popq	GPR(7)
	popq	DATA(VECTOR)
	popq	DATA(ERROR)
	popq	DATA(RIP)
	popq	DATA(CS)
	popq	DATA(RFLAGS)
	popq	DATA(RSP)
	popq	DATA(SS)
	movq	%rcx, GPR(1)
	movq	%rdx, GPR(2)
	movq	%rbx, GPR(3)
	movq	%rbp, GPR(5)
	movq	%rsi, GPR(6)
	movq	%r8, GPR(8)
	movq	%r9, GPR(9)
	movq	%r10, GPR(10)
	movq	%r11, GPR(11)
	movq	%r12, GPR(12)
	movq	%r13, GPR(13)
	movq	%r14, GPR(14)
	movq	%r15, GPR(15)
	leaq	PASSAGE_STACK_TOP(%rdi), %rsp
	jmp	.Lleave

/* The passage itself was interrupted; %rax: offset of its %rip in the text. */
.Linside:
	cmpl	$VECTOR_NMI, TAKEN_VECTOR(%rsp)
	je	.Linside_nmi
	cmpl	$VECTOR_MACHINE_CHECK, TAKEN_VECTOR(%rsp)
	je	.Linside_machine_check
	/* An external interrupt: the doorbell's first instructions, called with interrupts on. An ordinary exit serves. */
	cmpl	$32, TAKEN_VECTOR(%rsp)
	jae	.Ltaken_from_guest
	/*
	 * An exception at a data segment: the guest left between a change of its descriptors and the loading of the selector, as a
	 * kernel does that changes threads. Long mode's kernels do not use the segment then: it becomes a null one.
	 */
	cmpq	$(.Lload_ds - coop_passage_start), %rax
	je	.Lnull_ds
	cmpq	$(.Lload_es - coop_passage_start), %rax
	je	.Lnull_es
	cmpq	$(.Lload_fs - coop_passage_start), %rax
	je	.Lnull_fs
	cmpq	$(.Lload_gs - coop_passage_start), %rax
	je	.Lnull_gs
	/*
	 * Any other: the guest's state could not be loaded or saved. Report it, beside what took the guest out. On host text it would
	 * be our own bug.
	 */
	movq	TAKEN_RIP(%rsp), %rax
	subq	DATA(TEXT_GUEST), %rax
	cmpq	$PASSAGE_TEXT_BYTES, %rax
	jae	.Lbug
	/* What follows may be what the guest watches. */
	movl	$DR7_IDLE, %eax
	movq	%rax, %db7
	movq	TAKEN_RIP(%rsp), %rax
	movq	%rax, DATA(RIP)
	movq	TAKEN_VECTOR(%rsp), %rax
.Lfault:
	/* The first one counts. */
	testl	$PASSAGE_PENDING_FAULT, DATA(PENDING)
	jnz	.Lleave
	movq	%rax, DATA(ERROR)
	orq	$PASSAGE_PENDING_FAULT, DATA(PENDING)
	jmp	.Lleave
.Lnull_ds:
	movw	$0, GUEST(DS)
	jmp	.Lresume
.Lnull_es:
	movw	$0, GUEST(ES)
	jmp	.Lresume
.Lnull_fs:
	movw	$0, GUEST(FS)
	jmp	.Lresume
.Lnull_gs:
	movw	$0, GUEST(GS)
	jmp	.Lresume
.Lbad_tables:
	movl	$13, %eax
	jmp	.Lfault
	/* World::enter() tells of it, in the host's world; unless the way there is what is broken. */
.Lbug:
	cmpq	$PASSAGE_VECTOR_BUG, DATA(VECTOR)
	je	1f
	movq	TAKEN_VECTOR(%rsp), %rax
	movq	%rax, DATA(ERROR)
	movq	TAKEN_RIP(%rsp), %rax
	movq	%rax, DATA(RIP)
	movq	$PASSAGE_VECTOR_BUG, DATA(VECTOR)
	jmp	.Lhost_view
1:	movq	HOST(CR3), %rax
	movq	%rax, %cr3
	lidt	HOST(IDTR)
	ud2

.Linside_machine_check:
	orq	$PASSAGE_PENDING_MACHINE_CHECK, DATA(PENDING)
	jmp	.Lresume
.Linside_nmi:
	orq	$PASSAGE_PENDING_NMI, DATA(PENDING)
.Lresume:
	movq	TAKEN_RIP(%rsp), %rax
	subq	DATA(TEXT_GUEST), %rax
	cmpq	$(.Lwindow - coop_passage_start), %rax
	jb	1f
	cmpq	$(.Lwindow_last - coop_passage_start), %rax
	ja	1f
	leaq	.Lleave(%rip), %rax
	movq	%rax, TAKEN_RIP(%rsp)
	movq	%rdi, TAKEN_RDI(%rsp)
1:	/*
	 * Return without IRET: copy what is needed to the interrupted stack. Both may be the same stack, so the order of these moves
	 * matters: each source is read before its slot is overwritten.
	 */
	movq	TAKEN_RSP(%rsp), %rax
	movq	TAKEN_RIP(%rsp), %rdi
	movq	%rdi, -8(%rax)
	movq	TAKEN_RFLAGS(%rsp), %rdi
	movq	%rdi, -16(%rax)
	movq	TAKEN_RDI(%rsp), %rdi
	movq	%rdi, -24(%rax)
	movq	TAKEN_RAX(%rsp), %rdi
	movq	%rdi, -32(%rax)
	leaq	-32(%rax), %rsp
	popq	%rax
	popq	%rdi
	popfq
	SPECULATION_SAFE
	ret
	int3

/* ---- Gate targets ---------------------------------------------------------------------------------------------------------- */
.macro stubs count, target, with_error_codes
	.set	vector, 0
	.rept	\count
	.balign	16
	endbr64
	.if !(\with_error_codes && HAS_ERROR_CODE(vector))
	pushq	$0
	.endif
	.byte	0x68
	.long	vector
	jmp	\target
	.set	vector, vector + 1
	.endr
.endm

	/* For the guest's IDT, at a fixed offset (guest ABI). */
	.org	coop_passage_start + COOP_PASSAGE_STUBS, 0xcc
	stubs	256, .Ltaken_guest, 0
	/* For the passage's own IDTs. */
	.org	coop_passage_start + PASSAGE_OWN_STUBS, 0xcc
	stubs	32, .Ltaken_passage, 1
	.org	coop_passage_start + PASSAGE_TEXT_BYTES, 0xcc

/* Where the views change, as offsets: an address into the middle of the text would look to objtool like a branch target. */
#ifdef __ELF__
	.section .rodata
#else
	.section .rdata, "dr"
#endif
	.balign	4
	.globl	coop_passage_views
coop_passage_views:
	.long	.Lhost_view - coop_passage_start
	.long	.Lguest_view - coop_passage_start

#ifdef __ELF__
	.section .note.GNU-stack, "", @progbits
#endif
