// SPDX-License-Identifier: GPL-2.0-only
/*
 * Time: the host's TSC, read natively (vDSO included), a one-shot timer by doorbell, wall-clock and stolen time from the monitor.
 */
#include <linux/clockchips.h>
#include <linux/math64.h>
#include <linux/static_call.h>
#include <linux/timekeeping.h>
#include <asm/cpufeature.h>
#include <asm/hardirq.h>
#include <asm/paravirt.h>
#include <asm/tsc.h>
#include <asm/x86_init.h>

#include "coop.h"

/* clockevents take a 32-bit frequency in Hz, which a TSC can exceed. */
#define TICKS_PER_TSC_SHIFT 3

static DEFINE_PER_CPU(struct clock_event_device, coop_clockevent);

static int set_next_event(unsigned long ticks, struct clock_event_device *device)
{
	return coop_doorbell(COOP_DOORBELL_TIMER, rdtsc() + ((u64)ticks << TICKS_PER_TSC_SHIFT), 0, 0);
}

static int shut_down(struct clock_event_device *device)
{
	return coop_doorbell(COOP_DOORBELL_TIMER, 0, 0, 0);
}

void coop_timer_interrupt(void)
{
	struct clock_event_device *device = this_cpu_ptr(&coop_clockevent);

	inc_irq_stat(apic_timer_irqs);
	if (device->event_handler)
		device->event_handler(device);
}

void coop_start_clockevent(void)
{
	struct clock_event_device *device = this_cpu_ptr(&coop_clockevent);

	device->name = "coop";
	device->features = CLOCK_EVT_FEAT_ONESHOT;
	device->rating = 400;
	device->set_next_event = set_next_event;
	device->set_state_shutdown = shut_down;
	device->set_state_oneshot_stopped = shut_down;
	device->cpumask = cpumask_of(smp_processor_id());
	clockevents_config_and_register(device, (coop_shared->tsc_khz * 1000) >> TICKS_PER_TSC_SHIFT, 0xf, 0x7fffffff);
}

static u64 steal_clock(int cpu)
{
	return READ_ONCE(coop_vcpu(cpu)->steal_ns);
}

static void __init init_timer(void)
{
	coop_start_clockevent();
	static_call_update(pv_steal_clock, steal_clock);
	static_key_slow_inc(&paravirt_steal_enabled);
	if (!(coop_shared->flags & COOP_SHARED_TSC_STABLE))
		pr_warn("coop: the host's TSC is not invariant; time may drift or jump\n");
}

static unsigned long tsc_khz_from_host(void)
{
	return coop_shared->tsc_khz;
}

static void get_wallclock(struct timespec64 *now)
{
	u64 tsc_since = rdtsc() - coop_shared->wall_tsc;

	*now = ns_to_timespec64(coop_shared->wall_ns + mul_u64_u64_div_u64(tsc_since, NSEC_PER_MSEC, coop_shared->tsc_khz));
}

void __init coop_setup_time(void)
{
	setup_force_cpu_cap(X86_FEATURE_CONSTANT_TSC);
	setup_force_cpu_cap(X86_FEATURE_NONSTOP_TSC);
	setup_force_cpu_cap(X86_FEATURE_TSC_KNOWN_FREQ);
	setup_force_cpu_cap(X86_FEATURE_TSC_RELIABLE);

	x86_init.timers.setup_percpu_clockev = x86_init_noop;
	x86_init.timers.timer_init = init_timer;
	x86_init.timers.wallclock_init = x86_init_noop;
	x86_platform.calibrate_cpu = tsc_khz_from_host;
	x86_platform.calibrate_tsc = tsc_khz_from_host;
	x86_platform.get_wallclock = get_wallclock;
	x86_platform.set_wallclock = set_rtc_noop;
}
