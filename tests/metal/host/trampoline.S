/* SPDX-License-Identifier: GPL-2.0-only */
/* The second CPU's first steps, copied to TRAMPOLINE: real mode to 32-bit protected mode, then boot.S. */
#include "layout.h"

#define AT(symbol) (TRAMPOLINE + (symbol) - metal_trampoline)
#define CODE32 0x8

	.section .rodata
	.globl	metal_trampoline, metal_trampoline_end
	.code16
metal_trampoline:
	cli
	xorw	%ax, %ax
	movw	%ax, %ds
	lgdtl	AT(gdt_pointer)
	movl	$0x11, %eax /* PE, ET: caches on */
	movl	%eax, %cr0
	ljmpl	$CODE32, $AT(protected)

	.code32
protected:
	movl	$KERNEL_DS, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	$second_stack_top - IMAGE_BASE, %esp
	movl	$start32_common - IMAGE_BASE, %eax
	jmp	*%eax

	.balign	8
gdt:
	.quad	0, FLAT_CODE32, FLAT_CODE, FLAT_DATA
gdt_pointer:
	.short	gdt_pointer - gdt - 1
	.long	AT(gdt)
metal_trampoline_end:

	.bss
	.balign	16
	.skip	STACK_BYTES
second_stack_top:

	.section .note.GNU-stack, "", @progbits
