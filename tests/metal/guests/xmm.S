/* SPDX-License-Identifier: GPL-2.0-only */
#include "guest.inc"

/* Yields for ever; PARAM_RESULT: how often, PARAM_EVENTS: how often XMM5 was another afterwards. */
guest xmm
	movq	%cr4, %rax
	btsq	$9, %rax
	movq	%rax, %cr4
	movl	$77, %r13d
1:	movq	%r13, %xmm5
	doorbell COOP_DOORBELL_YIELD
	movq	%xmm5, %rax
	cmpq	%r13, %rax
	je	2f
	incq	PARAM_EVENTS(%rbx)
2:	incq	PARAM_RESULT(%rbx)
	incq	%r13
	jmp	1b
end_guest xmm

	.section .note.GNU-stack, "", @progbits
