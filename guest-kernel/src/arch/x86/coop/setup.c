// SPDX-License-Identifier: GPL-2.0-only
/*
 * Activation: find the shared area and replace every platform operation that would touch hardware.
 *
 * Runs before start_kernel() (x86_early_init_platform_quirks), thus before the first probe of anything.
 */
#include <linux/console.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <asm/apic.h>
#include <asm/e820/types.h>
#include <asm/i8259.h>
#include <asm/io_apic.h>
#include <asm/iommu.h>
#include <asm/paravirt.h>
#include <asm/processor.h>
#include <asm/setup.h>
#include <asm/x86_init.h>

#include "coop.h"

static_assert(E820_MAX_ENTRIES == COOP_MAX_E820_ENTRIES);
static_assert(MAX_PHYSMEM_BITS == COOP_PHYSICAL_BITS);

const struct coop_shared *coop_shared __ro_after_init;

asmlinkage long coop_call_passage(u64 vcpu_data, u64 reason, u64 arg0, u64 arg1, u64 arg2);

noinstr long coop_doorbell(u64 reason, u64 arg0, u64 arg1, u64 arg2)
{
	unsigned long flags = native_save_fl();
	long result;

	native_irq_disable();
	result = coop_call_passage(coop_passage_data(raw_smp_processor_id()), reason, arg0, arg1, arg2);
	if (flags & X86_EFLAGS_IF)
		native_irq_enable();
	return result;
}

noinstr void coop_end(u64 how)
{
	for (;;)
		coop_doorbell(COOP_DOORBELL_END, how, 0, 0);
}

/*
 * First C code of a cooperative boot, before .bss is cleared: until coop_early_setup() the only thing that can be arranged, and has to
 * be, is that a fatal early exception ends the guest. `cli; hlt`, what it would do else, takes the CPU from the host for good.
 */
asmlinkage __visible void __init coop_start_kernel(char *real_mode_data)
{
	pv_ops.irq.halt = coop_halt;
	x86_64_start_kernel(real_mode_data);
}

static const struct coop_shared *__init find_shared(void)
{
	u64 node_pa = boot_params.hdr.setup_data;

	while (node_pa) {
		const struct setup_data *node = __va(node_pa);

		if (node->type == COOP_SETUP_DATA_TYPE)
			return (const void *)node->data;
		node_pa = node->next;
	}
	return NULL;
}

static unsigned char coop_no_nmi_reason(void)
{
	return 0;
}

static void coop_no_io_delay(void)
{
}

static void __init replace_probes(void)
{
	x86_init.resources.probe_roms = x86_init_noop;
	x86_init.resources.reserve_resources = x86_init_noop;
	x86_init.resources.dmi_setup = x86_init_noop;
	x86_init.mpparse.find_mptable = x86_init_noop;
	x86_init.mpparse.early_parse_smp_cfg = x86_init_noop;
	x86_init.irqs.pre_vector_init = x86_init_noop;
	x86_init.irqs.intr_mode_select = x86_init_noop;
	x86_init.irqs.intr_mode_init = x86_init_noop;

	x86_platform.get_nmi_reason = coop_no_nmi_reason;
	x86_platform.realmode_reserve = x86_init_noop;
	x86_platform.realmode_init = x86_init_noop;
	x86_platform.legacy.i8042 = X86_LEGACY_I8042_PLATFORM_ABSENT;
	x86_platform.legacy.rtc = 0;
	x86_platform.legacy.warm_reset = 0;
	x86_platform.legacy.no_vga = 1;
	x86_platform.legacy.reserve_bios_regions = 0;
	x86_platform.legacy.devices.pnpbios = 0;

	legacy_pic = &null_legacy_pic;
	disable_ioapic_support();
	no_iommu = 1;

	pv_info.name = "coop";
	pv_ops.cpu.io_delay = coop_no_io_delay;
	pv_ops.irq.safe_halt = coop_safe_halt;
}

void __init coop_early_setup(void)
{
	if (!coop_guest)
		return;
	coop_shared = find_shared();
	/* Nothing can be logged without the shared area; the monitor filled it in, so this is its failure to report. */
	if (!coop_shared || coop_shared->magic != COOP_SHARED_MAGIC || coop_shared->abi_major != COOP_ABI_MAJOR)
		coop_end(COOP_END_PANIC);

	replace_probes();
	coop_clear_features();
	coop_setup_console();
	coop_setup_interrupts();
	coop_setup_time();
	coop_setup_power();
	coop_setup_smp();
}
