/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * NTSTATUS coop_guard(NTSTATUS (*function)(void*) in %rcx, void* argument in %rdx): calls it and returns what it returns, or
 * the code of an exception raised meanwhile. The __try and __except that GCC does not have, as a scope table.
 */
#define HOME_SPACE 0x28 /* of the callee, and alignment */
#define EXCEPTION_EXECUTE_HANDLER 1

	.text
	.globl	coop_guard
	.def	coop_guard; .scl 2; .type 32; .endef
	.seh_proc coop_guard
coop_guard:
	subq	$HOME_SPACE, %rsp
	.seh_stackalloc HOME_SPACE
	.seh_endprologue
	.seh_handler __C_specific_handler, @except
	movq	%rcx, %rax
	movq	%rdx, %rcx
.Lguarded:
	call	*%rax
	nop
.Lguarded_end:
.Lraised: /* here with the exception's code in %eax */
	addq	$HOME_SPACE, %rsp
	ret
	.seh_handlerdata
	.long	1
	.rva	.Lguarded, .Lguarded_end
	.long	EXCEPTION_EXECUTE_HANDLER
	.rva	.Lraised
	.text
	.seh_endproc
