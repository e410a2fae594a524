/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The cooperative entry point, named to the monitor by an ELF note.
 *
 * Entered in 64-bit mode at the symbol's physical address, on the monitor's identity-mapped page tables, with the monitor's GDT, IDT
 * and TSS. Those live in the passage and stay in force until Linux loads its own per-CPU tables, so that a host interrupt, NMI
 * or machine check finds a valid handler at every instruction; hence no lgdt and no lidt here. verify_cpu is not run: it
 * writes MSRs of the host's and halts the CPU on failure.
 */
#include <linux/elfnote.h>
#include <linux/init.h>
#include <linux/linkage.h>
#include <linux/pgtable.h>
#include <asm/asm-offsets.h>
#include <asm/coop-abi.h>
#include <asm/msr.h>
#include <asm/nospec-branch.h>
#include <asm/percpu.h>
#include <asm/processor-flags.h>
#include <asm/segment.h>
#include <asm/unwind_hints.h>

/* struct coop_boot_note */
ELFNOTE_START(Coop, COOP_NOTE_TYPE_BOOT, "a")
	.long	COOP_ABI_MAJOR
	.long	COOP_ABI_MINOR
	.quad	coop_startup_64
ELFNOTE_END

	__HEAD
	.code64
/* %rsi: boot_params (physical); %rdi: the page-directory-pointer entry that maps the passage. */
SYM_CODE_START_NOALIGN(coop_startup_64)
	UNWIND_HINT_END_OF_STACK
	ANNOTATE_NOENDBR
	cld
	movq	%rsi, %r15
	movq	%rdi, %r14
	leaq	__top_init_kernel_stack(%rip), %rsp

	/* The stack protector of C code reads %gs:40. */
	movl	$MSR_GS_BASE, %ecx
	leaq	INIT_PER_CPU_VAR(fixed_percpu_data)(%rip), %rdx
	movl	%edx, %eax
	shrq	$32, %rdx
	wrmsr

	leaq	_text(%rip), %rdi
	movq	%r15, %rsi
	call	__startup_64

	/* The table of the top 512 GiB; it outlives every change of the top level. */
	movq	%r14, level3_kernel_pgt + 8 * COOP_PASSAGE_PUD_INDEX(%rip)
	movb	$1, coop_guest(%rip)
	movq	$coop_start_kernel, initial_code(%rip)

	leaq	early_top_pgt(%rip), %rcx
	addq	%rcx, %rax
	movq	%rax, %cr3
	ANNOTATE_RETPOLINE_SAFE
	jmp	*.Lvirtual(%rip)
SYM_CODE_END(coop_startup_64)

	__INITRODATA
.Lvirtual:
	.quad	coop_startup_virtual

	.text
/* Start of a secondary vCPU, on swapper_pg_dir; smpboot_control holds its number, initial_code where to go. */
SYM_CODE_START(coop_secondary_startup)
	UNWIND_HINT_END_OF_STACK
	ANNOTATE_NOENDBR
	cld
	xorl	%r15d, %r15d

SYM_INNER_LABEL(coop_startup_virtual, SYM_L_LOCAL)
	UNWIND_HINT_END_OF_STACK
	ANNOTATE_NOENDBR
	/*
	 * CR4: keep what cannot be changed in this mode (PAE, LA57) or belongs to the host (MCE; VMXE, which faults when cleared in VMX
	 * operation; PCIDE, which needs PCID 0 to be set again). PGE goes off and on to drop global entries.
	 */
	movq	%cr4, %rcx
	andl	$(X86_CR4_PAE | X86_CR4_LA57 | X86_CR4_MCE | X86_CR4_VMXE | X86_CR4_PCIDE), %ecx
	btsl	$X86_CR4_PSE_BIT, %ecx
	movq	%rcx, %cr4
	btsl	$X86_CR4_PGE_BIT, %ecx
	movq	%rcx, %cr4

	movl	smpboot_control(%rip), %ecx
	movq	__per_cpu_offset(, %rcx, 8), %rbx
	movq	pcpu_hot + X86_current_task(%rbx), %rax
	movq	TASK_threadsp(%rax), %rsp

	/* Null selectors as after the native start; %ss and %cs are already Linux's. Before GS_BASE: loading %gs may clear it. */
	xorl	%eax, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %fs
	movl	%eax, %gs
	movl	$MSR_GS_BASE, %ecx
	movl	%ebx, %eax
	movq	%rbx, %rdx
	shrq	$32, %rdx
	wrmsr

	/* The monitor enters with SCE and NX set; an EFER write is not wanted unless it is needed. */
	movl	$MSR_EFER, %ecx
	rdmsr
	movl	%eax, %edi
	orl	$(EFER_SCE | EFER_NX), %eax
	cmpl	%eax, %edi
	je	.Lefer_done
	wrmsr
.Lefer_done:
	btsq	$_PAGE_BIT_NX, early_pmd_flags(%rip)

	movl	$CR0_STATE, %eax
	movq	%rax, %cr0
	pushq	$0
	popfq

	movq	%r15, %rdi
	xorl	%ebp, %ebp
	ANNOTATE_RETPOLINE_SAFE
	callq	*initial_code(%rip)
	ud2
SYM_CODE_END(coop_secondary_startup)

	/* In .data: .bss is cleared after the flag is set. */
	.data
SYM_DATA(coop_guest, .byte 0)
