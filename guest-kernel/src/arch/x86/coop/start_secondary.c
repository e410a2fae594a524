// SPDX-License-Identifier: GPL-2.0-only
/*
 * First C code of a secondary vCPU: start_secondary() without APIC and TSC synchronization.
 *
 * In a file of its own because the stack protector's canary of this CPU changes while it runs.
 */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <asm/cpu.h>
#include <asm/desc.h>
#include <asm/fpu/api.h>
#include <asm/processor.h>
#include <asm/smp.h>
#include <asm/tlbflush.h>

#include "coop.h"

void notrace coop_start_secondary(void *unused)
{
	unsigned int cpu = raw_smp_processor_id();

	/* Replaces the monitor's; until ltr the monitor's TSS stays in force. */
	load_direct_gdt(cpu);
	cr4_init();
	cpu_init_exception_handling(false);
	cpuhp_ap_sync_alive();
	cpu_init();
	fpu__init_cpu();
	rcutree_report_cpu_starting(cpu);
	smp_store_cpu_info(cpu);
	set_cpu_sibling_map(cpu);
	notify_cpu_starting(cpu);
	set_cpu_online(cpu, true);
	coop_enable_upcalls();
	local_irq_enable();
	coop_start_clockevent();
	cpu_startup_entry(CPUHP_AP_ONLINE_IDLE);
}
