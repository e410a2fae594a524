/* SPDX-License-Identifier: GPL-2.0-only */
/* What the shim's files share among themselves. */
#ifndef COOP_LINUX_SHIM_H
#define COOP_LINUX_SHIM_H

#undef pr_fmt
#define pr_fmt(text) "coop: " text

#include <linux/list.h>
#include <linux/mutex.h>

#include "coop/core.h"
#include "probes.h"

/* An open file of /dev/coop. guest is set once, by CREATE, and read without a lock: it lives until the file
 * is released. */
struct coop_handle {
    struct mutex creation; /* one CREATE at a time */
    struct coop_guest* guest;
    struct list_head admitted; /* lifecycle.c */
};

/* requests.c. Returns 0 or a negative errno value. Context: may sleep. */
long coop_request(struct coop_handle* handle, unsigned int command, void __user* argument);

/* device.c */
int coop_device_register(void);
void coop_device_unregister(void);

/* cpu.c */
int coop_cpu_load(void);
void coop_cpu_unload(void);

/* notifier.c. The eventfd behind a descriptor, or an ERR_PTR. Owner: caller, coop_host_notifier_release. */
struct coop_host_notifier* coop_notifier_open(u64 descriptor);

/* watchdog.c. Context: may sleep; start and stop take turns. */
int coop_watchdog_start(void);
void coop_watchdog_stop(void);

/*
 * lifecycle.c. A handle is admitted before its guest is created, and dismissed before the guest is destroyed,
 * when no thread runs it. admit fails with -EBUSY while the host is about to sleep or to shut down. Context:
 * may sleep.
 */
int coop_lifecycle_admit(struct coop_handle* handle);
void coop_lifecycle_dismiss(struct coop_handle* handle);
/* A thread enters and leaves coop_guest_run; enter fails with -ESHUTDOWN once the host shuts down. */
int coop_lifecycle_run_enter(void);
void coop_lifecycle_run_leave(void);
/* The COOP_HOST_* bits that change while the module is loaded: CPUs come and go, and the kernel may lose its
 * trust in the TSC. Context: any. */
u64 coop_lifecycle_features(void);

#endif
