// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events from the monitor: how they interrupt this vCPU, and idling until one comes.
 *
 * The monitor sets a bit in the vCPU's page and, at its next chance with interrupts enabled, makes the vCPU enter the upcall as an
 * interrupt gate would. Nothing is lost while interrupts are off: the monitor then leaves at the next sti.
 */
#include <linux/irq.h>
#include <linux/reboot.h>
#include <asm/cpu_entry_area.h>
#include <asm/hardirq.h>
#include <asm/idtentry.h>
#include <asm/irq.h>
#include <asm/irq_regs.h>
#include <asm/paravirt.h>
#include <asm/x86_init.h>

#include "coop.h"

DEFINE_PER_CPU(u8, coop_spins);

static void handle_devices(struct coop_vcpu_page *vcpu)
{
	unsigned long devices = xchg(&vcpu->devices, 0);
	unsigned int device;

	for_each_set_bit(device, &devices, COOP_MAX_DEVICES)
		coop_virtio_interrupt(device);
}

void coop_handle_events(void)
{
	struct coop_vcpu_page *vcpu = coop_vcpu(smp_processor_id());
	u64 events = xchg(&vcpu->pending, 0);

	if (events & COOP_EVENT_TIMER)
		coop_timer_interrupt();
	if (events & COOP_EVENT_DEVICE)
		handle_devices(vcpu);
	if (events & COOP_EVENT_POWER_BUTTON)
		orderly_poweroff(true);
	coop_ipi_events(events);
}

DEFINE_IDTENTRY_SYSVEC(sysvec_coop_upcall)
{
	struct pt_regs *old_regs = set_irq_regs(regs);

	coop_handle_events();
	set_irq_regs(old_regs);
}

/* On the vCPU itself, once its TSS and IDT are loaded. The order matters: upcall_va is what the monitor tests. */
void coop_enable_upcalls(void)
{
	struct coop_vcpu_page *vcpu = coop_vcpu(smp_processor_id());

	WRITE_ONCE(vcpu->entry_stack_va, (unsigned long)(cpu_entry_stack(smp_processor_id()) + 1));
	smp_store_release(&vcpu->upcall_va, (unsigned long)asm_sysvec_coop_upcall);
}

static void __init init_interrupts(void)
{
	native_init_IRQ();
	coop_map_passage_for_user();
	coop_enable_upcalls();
}

void __init coop_setup_interrupts(void)
{
	x86_init.irqs.intr_init = init_interrupts;
}

/*
 * Idle, entered with interrupts off and left with them on. An event that comes between the test and the doorbell is not lost, since WAIT
 * returns at once when one is pending. What is pending afterwards is taken by a software interrupt right behind sti, which is
 * much cheaper than the exit that the monitor would have to force.
 */
noinstr void coop_safe_halt(void)
{
	struct coop_vcpu_page *vcpu = coop_vcpu(raw_smp_processor_id());

	if (!READ_ONCE(vcpu->pending))
		coop_doorbell(COOP_DOORBELL_WAIT, 0, 0, 0);
	if (READ_ONCE(vcpu->pending))
		asm volatile("sti; int %0" : : "i" (COOP_UPCALL_VECTOR) : "memory");
	else
		native_irq_enable();
}

/* `hlt`; with interrupts off it means "never again". */
noinstr void coop_halt(void)
{
	if (native_save_fl() & X86_EFLAGS_IF) {
		native_irq_disable();
		coop_safe_halt();
	} else {
		coop_end(COOP_END_HALT);
	}
}

asmlinkage __visible noinstr void coop_yield(void)
{
	coop_doorbell(COOP_DOORBELL_YIELD, 0, 0, 0);
}
