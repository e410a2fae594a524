// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's descriptor tables and user page tables, as far as host interrupts are concerned.
 *
 * Host interrupts, NMIs and machine checks that arrive while the guest runs enter the passage straight from the guest's IDT, on stacks
 * of the passage's, and never reach code of the guest. So the host does not depend on the guest's health.
 */
#include <linux/mm.h>
#include <asm/desc.h>
#include <asm/idtentry.h>
#include <asm/irq_vectors.h>
#include <asm/pgtable.h>
#include <asm/processor.h>
#include <asm/pti.h>
#include <asm/trapnr.h>

#include "coop.h"

static void __init point_gate(gate_desc *gate, unsigned int vector, unsigned long target, unsigned int ist)
{
	const struct idt_data data = {
		.vector = vector,
		.segment = __KERNEL_CS,
		.bits = { .ist = ist, .type = GATE_INTERRUPT, .p = 1 },
		.addr = (const void *)target,
	};

	idt_init_desc(gate, &data);
}

static unsigned long __init stub(unsigned int vector)
{
	return COOP_PASSAGE_VA + COOP_PASSAGE_STUBS + vector * COOP_PASSAGE_STUB_STRIDE;
}

/* Called for each gate that Linux is about to write. */
void __init coop_adjust_gate(unsigned int vector, gate_desc *gate)
{
	if (!coop_guest)
		return;
	if (vector == X86_TRAP_NMI)
		point_gate(gate, vector, stub(vector), COOP_IST_NMI);
	else if (vector == X86_TRAP_MC)
		point_gate(gate, vector, stub(vector), COOP_IST_MCE);
	else if (vector == COOP_UPCALL_VECTOR)
		point_gate(gate, vector, (unsigned long)asm_sysvec_coop_upcall, 0);
	else if (vector >= FIRST_EXTERNAL_VECTOR)
		point_gate(gate, vector, stub(vector), COOP_IST_INTERRUPT);
}

void coop_setup_ist(struct x86_hw_tss *tss)
{
	unsigned long data = coop_passage_data(raw_smp_processor_id());

	if (!coop_guest)
		return;
	tss->ist[COOP_IST_NMI - 1] = data + COOP_PASSAGE_NMI_STACK_TOP;
	tss->ist[COOP_IST_MCE - 1] = data + COOP_PASSAGE_MCE_STACK_TOP;
	tss->ist[COOP_IST_INTERRUPT - 1] = data + COOP_PASSAGE_INTERRUPT_STACK_TOP;
}

/*
 * Page-table isolation: interrupts taken in user mode enter the passage on the user page tables. The table that covers
 * the top 512 GiB exists there already, since pti_init() cloned the entry code below it.
 */
void __init coop_map_passage_for_user(void)
{
#ifdef CONFIG_MITIGATION_PAGE_TABLE_ISOLATION
	pgd_t *kernel_pgd = pgd_offset_k(COOP_PASSAGE_VA);
	pud_t *kernel_pud = pud_offset(p4d_offset(kernel_pgd, COOP_PASSAGE_VA), COOP_PASSAGE_VA);
	pgd_t *user_pgd;
	p4d_t *user_p4d;

	if (!boot_cpu_has(X86_FEATURE_PTI))
		return;
	user_pgd = kernel_to_user_pgdp(kernel_pgd);
	BUG_ON(pgd_none(*user_pgd));
	user_p4d = p4d_offset(user_pgd, COOP_PASSAGE_VA);
	BUG_ON(p4d_none(*user_p4d));
	set_pud(pud_offset(user_p4d, COOP_PASSAGE_VA), *kernel_pud);
#endif
}
