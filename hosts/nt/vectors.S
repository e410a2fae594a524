/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * void coop_keep_vectors(void (*function)(void*) in %rcx, void* argument in %rdx): calls it, and restores what NT's own
 * functions may use of the vector registers, xmm0 to xmm5, since they may be the guest's. FXSAVE and FXRSTOR do, and leave
 * the upper halves alone, as NT's SSE code does.
 */
#define AREA 0x20 /* above the callee's home space */
#define AREA_BYTES 512

	.text
	.globl	coop_keep_vectors
	.def	coop_keep_vectors; .scl 2; .type 32; .endef
	.seh_proc coop_keep_vectors
coop_keep_vectors:
	subq	$(AREA + AREA_BYTES + 8), %rsp /* and the return address: aligned to 16 bytes again */
	.seh_stackalloc AREA + AREA_BYTES + 8
	.seh_endprologue
	fxsave64 AREA(%rsp)
	movq	%rcx, %rax
	movq	%rdx, %rcx
	call	*%rax
	fxrstor64 AREA(%rsp)
	addq	$(AREA + AREA_BYTES + 8), %rsp
	ret
	.seh_endproc
