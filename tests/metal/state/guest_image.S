/* SPDX-License-Identifier: GPL-2.0-only */
/* The state test's guest inside the host's image, and the host's own general registers around coop_guest_run. */
#define AFTER_GPRS
#include "switch.inc"

	.section .rodata
	.globl	metal_guest_state, metal_guest_state_end
metal_guest_state:
	.incbin	STATE_GUEST
metal_guest_state_end:

	.text
	/* int metal_state_run(struct state_gprs*, struct coop_guest*, struct coop_run*) */
	.globl	metal_state_run
metal_state_run:
	enter_gprs
	load_flags
	load_callee_saved
	movq	%rsi, %rdi
	movq	%rdx, %rsi
	call	coop_guest_run
	store_gprs
	ret

	.section .note.GNU-stack, "", @progbits
