// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual CPUs: enumeration, start, and inter-processor events.
 *
 * Linux identifies CPUs by APIC ID; vCPU n gets ID n in an APIC driver whose registers do not exist. vCPU and CPU numbers are equal.
 */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/pgtable.h>
#include <linux/sched.h>
#include <linux/sched/task_stack.h>
#include <linux/smp.h>
#include <asm/apic.h>
#include <asm/cpu.h>
#include <asm/fpu/api.h>
#include <asm/hardirq.h>
#include <asm/mpspec.h>
#include <asm/processor.h>
#include <asm/realmode.h>
#include <asm/smp.h>
#include <asm/x86_init.h>

#include "coop.h"

static struct apic coop_apic __ro_after_init;

static u32 read_register(u32 reg)
{
	return reg == APIC_ID ? raw_smp_processor_id() : 0;
}

static void write_register(u32 reg, u32 value)
{
}

static u32 apic_id_of(u32 value)
{
	return value;
}

static void __init enumerate_vcpus(void)
{
	unsigned int vcpu;

	coop_apic = apic_noop;
	coop_apic.name = "coop";
	coop_apic.read = read_register;
	coop_apic.write = write_register;
	coop_apic.get_apic_id = apic_id_of;
	apic_install_driver(&coop_apic);

	topology_register_boot_apic(0);
	for (vcpu = 0; vcpu < coop_shared->vcpus; vcpu++)
		topology_register_apic(vcpu, CPU_ACPIID_INVALID, true);
	smp_found_config = 1;
}

static void send(unsigned int vcpu, u64 events)
{
	coop_doorbell(COOP_DOORBELL_SEND, vcpu, events, 0);
}

static void send_reschedule(int cpu)
{
	send(cpu, COOP_EVENT_RESCHEDULE);
}

static void send_call_single(int cpu)
{
	send(cpu, COOP_EVENT_CALL_SINGLE);
}

static void send_call(const struct cpumask *mask)
{
	unsigned int cpu;

	for_each_cpu(cpu, mask)
		send(cpu, COOP_EVENT_CALL);
}

/* The others keep their vCPU but only ever wait from here on, so none of them can disturb the end of the guest. */
static void stop_others(int wait)
{
	unsigned int cpu;

	for_each_online_cpu(cpu)
		if (cpu != smp_processor_id())
			send(cpu, COOP_EVENT_STOP);
}

static noinstr void __noreturn wait_forever(void)
{
	native_irq_disable();
	for (;;) {
		WRITE_ONCE(coop_vcpu(raw_smp_processor_id())->pending, 0);
		coop_doorbell(COOP_DOORBELL_WAIT, 0, 0, 0);
	}
}

void coop_ipi_events(u64 events)
{
	if (events & COOP_EVENT_RESCHEDULE) {
		inc_irq_stat(irq_resched_count);
		scheduler_ipi();
	}
	if (events & COOP_EVENT_CALL) {
		inc_irq_stat(irq_call_count);
		generic_smp_call_function_interrupt();
	}
	if (events & COOP_EVENT_CALL_SINGLE) {
		inc_irq_stat(irq_call_count);
		generic_smp_call_function_single_interrupt();
	}
	if (events & COOP_EVENT_STOP) {
		set_cpu_online(smp_processor_id(), false);
		wait_forever();
	}
}

static int start_vcpu(unsigned int cpu, struct task_struct *idle)
{
	int error = common_cpu_up(cpu, idle);

	if (error)
		return error;
	per_cpu(fpu_fpregs_owner_ctx, cpu) = NULL;
	idle->thread.sp = (unsigned long)task_pt_regs(idle);
	initial_code = (unsigned long)coop_start_secondary;
	smpboot_control = cpu;
	return coop_doorbell(COOP_DOORBELL_START, cpu, (unsigned long)coop_secondary_startup, __pa_symbol(swapper_pg_dir));
}

static void yield_to_host(void)
{
	coop_doorbell(COOP_DOORBELL_YIELD, 0, 0, 0);
}

static int refuse_disable(void)
{
	return -EOPNOTSUPP;
}

static void __init prepare_vcpus(unsigned int max)
{
	smp_prepare_cpus_common();
}

static const struct smp_ops coop_smp_ops __initconst = {
	.smp_prepare_boot_cpu = native_smp_prepare_boot_cpu,
	.smp_prepare_cpus = prepare_vcpus,
	.smp_cpus_done = native_smp_cpus_done,
	.kick_ap_alive = start_vcpu,
	.poll_sync_state = yield_to_host,
	.cpu_disable = refuse_disable,
	.play_dead = wait_forever,
	.stop_other_cpus = stop_others,
	.smp_send_reschedule = send_reschedule,
	.send_call_func_ipi = send_call,
	.send_call_func_single_ipi = send_call_single,
};

void __init coop_setup_smp(void)
{
	x86_init.mpparse.parse_smp_cfg = enumerate_vcpus;
	x86_cpuinit.parallel_bringup = false;
	smp_ops = coop_smp_ops;
}
