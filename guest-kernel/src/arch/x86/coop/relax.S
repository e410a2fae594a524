/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cpu_relax(): a guest that spins with interrupts off holds the CPU that its partner may need (another vCPU, or the host process
 * that serves a device), and nothing can preempt it. After 256 turns it therefore yields to the host.
 *
 * Called from inline assembly, so every register is kept.
 */
#include <linux/export.h>
#include <linux/linkage.h>
#include <asm/percpu.h>
#include <asm/processor-flags.h>

	.section .noinstr.text, "ax"

SYM_FUNC_START(coop_cpu_relax)
	pause
	pushfq
	testl	$X86_EFLAGS_IF, (%rsp)
	jnz	.Lreturn
	cmpb	$0, coop_guest(%rip)
	je	.Lreturn
	incb	PER_CPU_VAR(coop_spins)
	jnz	.Lreturn
	pushq	%rax
	pushq	%rcx
	pushq	%rdx
	pushq	%rsi
	pushq	%rdi
	pushq	%r8
	pushq	%r9
	pushq	%r10
	pushq	%r11
	call	coop_yield
	popq	%r11
	popq	%r10
	popq	%r9
	popq	%r8
	popq	%rdi
	popq	%rsi
	popq	%rdx
	popq	%rcx
	popq	%rax
.Lreturn:
	popfq
	RET
SYM_FUNC_END(coop_cpu_relax)
EXPORT_SYMBOL(coop_cpu_relax)
