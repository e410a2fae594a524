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

/* The same under the process-context identifiers 1 and 2; the second goes to PARAM_EVENTS. */
guest pcid_looker
	doorbell COOP_DOORBELL_YIELD
	movq	PARAM_TICKS(%rbx), %rax
	movq	%rax, %cr4
1:	movq	PARAM_ARGUMENT(%rbx), %rdx
	incq	%rdx
	movq	%rdx, %cr3
	movq	PARAM_COUNT(%rbx), %rcx
	movq	(%rcx), %rax
	movq	%rax, PARAM_RESULT(%rbx)
	incq	%rdx
	movq	%rdx, %cr3
	movq	(%rcx), %rax
	movq	%rax, PARAM_EVENTS(%rbx)
	doorbell COOP_DOORBELL_YIELD
	jmp	1b
end_guest pcid_looker

	.section .note.GNU-stack, "", @progbits
