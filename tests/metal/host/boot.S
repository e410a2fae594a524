/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From the boot loader to C. QEMU's -kernel finds the PVH note (its multiboot loader takes no 64-bit ELF), GRUB the Multiboot2
 * header. Both enter in 32-bit protected mode with paging off and the loader's information in %ebx. Paging is five levels deep
 * where the CPU has them.
 *
 * Address space: the image in the top 2 GiB, as the core's code model asks; the first 4 GiB of physical memory at DIRECT_MAP, not
 * executable. Nothing else, so a null pointer faults.
 */
#include "layout.h"

#define PHYS(symbol) ((symbol) - IMAGE_BASE)
#define PRESENT_WRITABLE 0x3
#define LARGE 0x80
#define UNCACHED 0x18
#define MSR_EFER 0xc0000080
#define EFER_LME_NXE 0x900
#define CR4_PAE 0x20
#define CR4_LA57 0x1000
#define CR0_START 0x80010033 /* PG WP NE ET MP PE */
#define CPUID_LA57 0x10000   /* leaf 7, ECX */

	.section .note.pvh, "a", @note
	.long	4, 8, 18 /* sizes of name and content; XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz	"Xen"
	.quad	PHYS(start32)

	.section .multiboot, "a"
	.balign	8
multiboot:
	.long	0xe85250d6, 0, multiboot_end - multiboot
	.long	-(0xe85250d6 + (multiboot_end - multiboot))
	.short	3, 0 /* entry address: physical */
	.long	12, PHYS(start32), 0
	.short	0, 0
	.long	8
multiboot_end:

	.section .boot, "ax"
	.code32
	.globl	start32
start32:
	cli
	cld
	movl	%eax, PHYS(loader_magic)
	movl	%ebx, PHYS(loader_info)
	movl	$PHYS(boot_stack_top), %esp

	/* Every CPU comes here, the first as above, the others from trampoline.S; %esp is a stack. */
	.globl	start32_common
start32_common:
	movl	$7, %eax
	xorl	%ecx, %ecx
	cpuid
	movl	$CR4_PAE, %edx
	movl	$PHYS(boot_pml4), %eax
	testl	$CPUID_LA57, %ecx
	jz	1f
	orl	$CR4_LA57, %edx
	movl	$PHYS(boot_pml5), %eax
1:	movl	%edx, %cr4
	movl	%eax, %cr3
	movl	$MSR_EFER, %ecx
	rdmsr
	orl	$EFER_LME_NXE, %eax
	wrmsr
	movl	$CR0_START, %eax
	movl	%eax, %cr0
	lgdt	PHYS(boot_gdt_pointer)
	ljmp	$KERNEL_CS, $PHYS(start64)

	.code64
start64:
	movl	$KERNEL_DS, %eax
	movl	%eax, %ss
	xorl	%eax, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %fs
	movl	%eax, %gs
	movl	%esp, %esp
	movq	$IMAGE_BASE, %rax
	addq	%rax, %rsp
	movabsq	$1f, %rax
	jmp	*%rax

	.text
1:	/* The identity mapping has done its work: take the tables without it. */
	movq	$IMAGE_BASE, %rcx
	leaq	pml4(%rip), %rax
	leaq	pml5(%rip), %rdx
	movq	%cr4, %rbx
	testl	$CR4_LA57, %ebx
	cmovnzq	%rdx, %rax
	subq	%rcx, %rax
	movq	%rax, %cr3
	xorl	%ebp, %ebp
	call	*metal_cpu_entry(%rip)
	ud2

	.data
	.balign	8
	.globl	loader_magic, loader_info, metal_cpu_entry
metal_cpu_entry:
	.quad	metal_main
boot_gdt:
	.quad	0, 0, FLAT_CODE, FLAT_DATA
boot_gdt_pointer:
	.short	boot_gdt_pointer - boot_gdt - 1
	.quad	PHYS(boot_gdt)
loader_magic:
	.long	0
loader_info:
	.long	0

	.balign	4096
/* 5-level roots, 4-level roots, each with and without the identity mapping of the first GiBs. */
boot_pml5:
	.quad	PHYS(boot_pml4) + PRESENT_WRITABLE
	.fill	510, 8, 0
	.quad	PHYS(boot_pml4) + PRESENT_WRITABLE
	.globl	pml5, pml4
pml5:
	.fill	511, 8, 0
	.quad	PHYS(pml4) + PRESENT_WRITABLE
boot_pml4:
	.quad	PHYS(pdpt_direct) + PRESENT_WRITABLE
	.fill	255, 8, 0
	.quad	PHYS(pdpt_direct) + PRESENT_WRITABLE + NO_EXECUTE
	.fill	254, 8, 0
	.quad	PHYS(pdpt_image) + PRESENT_WRITABLE
pml4:
	.fill	256, 8, 0
	.quad	PHYS(pdpt_direct) + PRESENT_WRITABLE + NO_EXECUTE
	.fill	254, 8, 0
	.quad	PHYS(pdpt_image) + PRESENT_WRITABLE
pdpt_direct:
	.quad	PHYS(directory) + PRESENT_WRITABLE, PHYS(directory) + 0x1000 + PRESENT_WRITABLE
	.quad	PHYS(directory) + 0x2000 + PRESENT_WRITABLE, PHYS(directory) + 0x3000 + PRESENT_WRITABLE
	.fill	508, 8, 0
pdpt_image:
	.fill	510, 8, 0
	.quad	PHYS(directory) + PRESENT_WRITABLE, 0
directory:
	.set	address, 0
	.rept	1536
	.quad	address + PRESENT_WRITABLE + LARGE
	.set	address, address + 0x200000
	.endr
	.rept	512 /* the fourth GiB: devices, the local APIC among them */
	.quad	address + PRESENT_WRITABLE + LARGE + UNCACHED
	.set	address, address + 0x200000
	.endr

	.bss
	.balign	16
	.skip	STACK_BYTES
boot_stack_top:

	.section .note.GNU-stack, "", @progbits
