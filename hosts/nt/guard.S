/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * NTSTATUS coop_guard(NTSTATUS (*function)(void*) in %rcx, void* argument in %rdx): calls it and returns what it returns, or
 * STATUS_UNHANDLED_EXCEPTION if an exception was raised meanwhile. The __try and __except that GCC does not have, as a scope
 * table. Windows leaves the exception's code in %eax, others do not.
 */
#define HOME_SPACE 0x28 /* of the callee, and alignment */
#define EXCEPTION_EXECUTE_HANDLER 1
#define STATUS_UNHANDLED_EXCEPTION 0xc0000144

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
	addq	$HOME_SPACE, %rsp
	ret
.Lraised:
	movl	$STATUS_UNHANDLED_EXCEPTION, %eax
	addq	$HOME_SPACE, %rsp
	ret
	.seh_handlerdata
	.long	1
	.rva	.Lguarded, .Lguarded_end
	.long	EXCEPTION_EXECUTE_HANDLER
	.rva	.Lraised
	.text
	.seh_endproc
