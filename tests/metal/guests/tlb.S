/* SPDX-License-Identifier: GPL-2.0-only */
/* Yields once, so that the case can make its tables; then CR3 PARAM_ARGUMENT, CR4 PARAM_TICKS, and what it reads at PARAM_COUNT goes to
 * PARAM_RESULT, once in each stay. */
#include "guest.inc"

guest looker
	doorbell COOP_DOORBELL_YIELD
	movq	PARAM_ARGUMENT(%rbx), %rax
	movq	%rax, %cr3
	movq	PARAM_TICKS(%rbx), %rax
	movq	%rax, %cr4
1:	movq	PARAM_COUNT(%rbx), %rax
	movq	(%rax), %rax
	movq	%rax, PARAM_RESULT(%rbx)
	doorbell COOP_DOORBELL_YIELD
	jmp	1b
end_guest looker

	.section .note.GNU-stack, "", @progbits
