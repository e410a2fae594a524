// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel log in the guest's log on the host.
 *
 * Registered as an ordinary console without a device, not as a boot console: it stays beside virtio's hvc0, so that an oops or panic
 * reaches the host even when virtio is what broke. /dev/console still goes to the first console that has a device.
 */
#include <linux/console.h>
#include <linux/irqflags.h>
#include <linux/minmax.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <asm/x86_init.h>

#include "coop.h"

static void log_write(struct console *console, const char *text, unsigned int length)
{
	unsigned long flags;

	/* The buffer is this vCPU's; nothing else may use it between the copy and the doorbell. */
	local_irq_save(flags);
	while (length) {
		unsigned int bytes = min_t(unsigned int, length, COOP_LOG_BYTES);

		memcpy(coop_vcpu(smp_processor_id())->log, text, bytes);
		coop_doorbell(COOP_DOORBELL_LOG, bytes, 0, 0);
		text += bytes;
		length -= bytes;
	}
	local_irq_restore(flags);
}

static struct console log_console = {
	.name = "cooplog",
	.write = log_write,
	.flags = CON_PRINTBUFFER | CON_ENABLED | CON_ANYTIME,
	.index = -1,
};

/* First hook of setup_arch() after static keys and calls work. */
static void __init register_log_console(void)
{
	register_console(&log_console);
}

void __init coop_setup_console(void)
{
	/* For exceptions before that. */
	early_console = &log_console;
	x86_init.oem.arch_setup = register_log_console;
}
