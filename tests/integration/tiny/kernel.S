/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A kernel file that the real coopctl takes: an ELF executable with the cooperative note, whose code idles until
 * the first event, which is the power button, and then powers off. Its console never comes up: start it with
 * --wait 0. Its .bss makes it too large for a guest of the least memory.
 */
#include "doorbell.inc"

#define BSS_BYTES (16 << 20)

	.section .note.Coop, "a", @note
	.balign	4
	.long	name_end - name
	.long	content_end - content
	.long	COOP_NOTE_TYPE_BOOT
name:	.asciz	COOP_NOTE_NAME
name_end:
	.balign	4
	/* struct coop_boot_note */
content:
	.long	COOP_ABI_MAJOR, COOP_ABI_MINOR
	.quad	_start
content_end:

	.text
	.globl	_start
_start:
	/* Entered on the monitor's identity tables, anywhere in memory: no absolute address of ours holds. */
	leaq	stack_top(%rip), %rsp
	doorbell COOP_DOORBELL_WAIT
	movl	$COOP_END_POWEROFF, %edx
	doorbell COOP_DOORBELL_END
	ud2

	.bss
	.skip	BSS_BYTES
	.balign	16
stack_top:

	.section .note.GNU-stack, "", @progbits
