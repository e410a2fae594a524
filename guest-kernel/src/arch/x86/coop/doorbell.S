/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The call into the passage. Its address is a constant of the ABI, out of reach of a direct call.
 */
#include <linux/linkage.h>
#include <asm/coop-abi.h>
#include <asm/nospec-branch.h>

	.section .noinstr.text, "ax"

/* long coop_call_passage(u64 vcpu_data, u64 reason, u64 arg0, u64 arg1, u64 arg2); interrupts off */
SYM_FUNC_START(coop_call_passage)
	movq	$(COOP_PASSAGE_VA + COOP_PASSAGE_DOORBELL), %rax
	JMP_NOSPEC rax
SYM_FUNC_END(coop_call_passage)
