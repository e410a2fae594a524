// SPDX-License-Identifier: GPL-2.0-only
/*
 * coop_nt.ko: a driver for NT x64 in a Linux kernel, for tests. `insmod coop_nt.ko image=PATH` loads it,
 * rmmod unloads it and says in the kernel's log what it took, and what it did not give back.
 */
#include <linux/module.h>
#include <linux/string.h>

#include "bridge.h"
#include "callback.h"
#include "cpu.h"
#include "double.h"
#include "dpc.h"
#include "driver.h"
#include "io.h"
#include "process.h"
#include "protection.h"
#include "timer.h"

static char* image = "/share/nt/coop.sys";
module_param(image, charp, 0444);
MODULE_PARM_DESC(image, "The driver's file");

/* PO_CB_SYSTEM_STATE_LOCK: whether the machine is, or will be, in its working state. */
#define SYSTEM_STATE_LOCK ((void*)3)

static int set_event(const char* text, const struct kernel_param* parameter) {
    if (sysfs_streq(text, "sleep") || sysfs_streq(text, "wake")) {
        void* working = (void*)(text[0] == 'w' ? 1ul : 0ul);

        return callback_notify("\\Callback\\PowerState", SYSTEM_STATE_LOCK, working) ? 0 : -ENXIO;
    }
    if (sysfs_streq(text, "shutdown")) {
        io_shutdown();
        return 0;
    }
    return -EINVAL;
}

static const struct kernel_param_ops event_operations = {.set = set_event};
module_param_cb(event, &event_operations, NULL, 0200);
MODULE_PARM_DESC(event, "Write sleep, wake or shutdown, and the driver is told");

/* The driver has gone, or never came: nothing may call into it any more before its image goes. */
static void unload_double(void) {
    timer_unload();
    dpc_unload();
    cpu_unload();
    process_unload();
    callback_unload();
    irql_unload();
    tally_report();
    driver_forget();
}

static int __init load(void) {
    int error = protection_load();

    error = error ?: callback_load();
    if (error) {
        return error;
    }
    error = process_load();
    if (error) {
        callback_unload();
        return error;
    }
    irql_load();
    timer_load();
    dpc_load();
    error = driver_load(image);
    if (error) {
        unload_double();
        return error;
    }
    error = bridge_load();
    if (error) {
        driver_leave();
        unload_double();
    }
    return error;
}

static void __exit unload(void) {
    bridge_unload();
    driver_leave();
    unload_double();
}

module_init(load);
module_exit(unload);
MODULE_DESCRIPTION("NT-ABI harness: runs coop.sys in a Linux kernel, for tests");
MODULE_LICENSE("GPL");
