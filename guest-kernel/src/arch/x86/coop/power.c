// SPDX-License-Identifier: GPL-2.0-only
/*
 * The end of the guest: power-off, reboot, halt and panic are doorbells, never instructions.
 */
#include <linux/panic.h>
#include <linux/pm.h>
#include <linux/reboot.h>
#include <asm/reboot.h>

#include "coop.h"

static void power_off(void)
{
	coop_end(COOP_END_POWEROFF);
}

static void restart(char *command)
{
	coop_end(COOP_END_REBOOT);
}

static void halt_machine(void)
{
	coop_end(COOP_END_HALT);
}

static void shut_down(void)
{
}

static void crash_shut_down(struct pt_regs *regs)
{
}

static void emergency_restart_machine(void)
{
	coop_end(panic_in_progress() ? COOP_END_PANIC : COOP_END_REBOOT);
}

/* panic() calls this in its final loop, when every message is out and nothing is left to do. */
static long end_of_panic(int state)
{
	coop_end(COOP_END_PANIC);
	return 0;
}

void __init coop_setup_power(void)
{
	machine_ops.power_off = power_off;
	machine_ops.restart = restart;
	machine_ops.halt = halt_machine;
	machine_ops.shutdown = shut_down;
	machine_ops.crash_shutdown = crash_shut_down;
	machine_ops.emergency_restart = emergency_restart_machine;
	/* Without it reboot(2) turns a power-off into a halt. */
	pm_power_off = power_off;
	panic_blink = end_of_panic;
}
