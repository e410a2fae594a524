// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module's life and the host's: load and unload, reboot, sleep.
 *
 * Open files hold the module, so it cannot go while a guest lives. A reboot ends all guests and waits a
 * moment for their threads to leave. Sleep is refused while guests exist: their RAM must stay where it is,
 * and their clocks must not jump. A CPU may go offline at any time: vCPU threads are not bound to one, and
 * nothing of a guest stays behind on it.
 */
#include <linux/atomic.h>
#include <linux/cc_platform.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/kvm_para.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/reboot.h>
#include <linux/suspend.h>

#include <asm/cpufeature.h>
#include <asm/tsc.h>

#include "shim.h"

#define LEAVE_LIMIT_MS 2000
#define LEAVE_POLL_MS 10

/* Sooner than the host's own hard-lockup detector, which may panic: at its default threshold of 10 s it
 * samples a timer of 4 s at NMIs 8 s or more apart, so 4 s with interrupts off can be enough for it. */
static unsigned int stuck_limit_ms = 3000;
module_param(stuck_limit_ms, uint, 0444);
MODULE_PARM_DESC(stuck_limit_ms,
                 "End a guest that keeps interrupts off for longer, in milliseconds (100 or more)");

static DEFINE_MUTEX(admission);
static LIST_HEAD(handles);
static bool sleeping;
static bool shutting_down;
static atomic_t running = ATOMIC_INIT(0); /* threads inside coop_guest_run */

int coop_lifecycle_admit(struct coop_handle* handle) {
    int error = 0;

    mutex_lock(&admission);
    if (sleeping || shutting_down) {
        error = -EBUSY;
    } else if (list_empty(&handles)) {
        error = coop_watchdog_start();
    }
    if (!error) {
        list_add_tail(&handle->admitted, &handles);
    }
    mutex_unlock(&admission);
    return error;
}

void coop_lifecycle_dismiss(struct coop_handle* handle) {
    mutex_lock(&admission);
    list_del_init(&handle->admitted);
    if (list_empty(&handles)) {
        coop_watchdog_stop();
    }
    mutex_unlock(&admission);
}

int coop_lifecycle_run_enter(void) {
    /* A full barrier: either reboot() counts this thread, or the thread sees that it comes too late. */
    atomic_inc(&running);
    smp_mb__after_atomic();
    if (READ_ONCE(shutting_down)) {
        atomic_dec(&running);
        return -ESHUTDOWN;
    }
    return 0;
}

void coop_lifecycle_run_leave(void) {
    atomic_dec(&running);
}

static int reboot(struct notifier_block* block, unsigned long action, void* data) {
    struct coop_handle* handle;
    unsigned int waited;

    mutex_lock(&admission);
    WRITE_ONCE(shutting_down, true);
    smp_mb();
    list_for_each_entry(handle, &handles, admitted) {
        struct coop_guest* guest = smp_load_acquire(&handle->guest);

        if (guest) {
            coop_guest_end(guest, COOP_END_KILLED);
        }
    }
    mutex_unlock(&admission);

    for (waited = 0; atomic_read(&running) && waited < LEAVE_LIMIT_MS; waited += LEAVE_POLL_MS) {
        msleep(LEAVE_POLL_MS);
    }
    if (atomic_read(&running)) {
        pr_warn("%d vCPU threads did not leave their guests within %d ms\n", atomic_read(&running),
                LEAVE_LIMIT_MS);
    }
    return NOTIFY_DONE;
}

static int sleep_transition(struct notifier_block* block, unsigned long action, void* data) {
    int result = NOTIFY_DONE;

    mutex_lock(&admission);
    switch (action) {
    case PM_HIBERNATION_PREPARE:
    case PM_SUSPEND_PREPARE:
    case PM_RESTORE_PREPARE:
        if (list_empty(&handles)) {
            sleeping = true;
        } else {
            pr_warn("sleep refused while guests exist; stop them first (coopctl stop)\n");
            result = notifier_from_errno(-EBUSY);
        }
        break;
    case PM_POST_HIBERNATION:
    case PM_POST_SUSPEND:
    case PM_POST_RESTORE:
        sleeping = false;
        break;
    }
    mutex_unlock(&admission);
    return result;
}

static struct notifier_block reboot_notifier = {.notifier_call = reboot};
static struct notifier_block sleep_notifier = {.notifier_call = sleep_transition};

u64 coop_lifecycle_features(void) {
    u64 features = 0;

    if (boot_cpu_has(X86_FEATURE_CONSTANT_TSC) && boot_cpu_has(X86_FEATURE_NONSTOP_TSC) &&
        !check_tsc_unstable()) {
        features |= COOP_HOST_TSC_STABLE;
    }
    if (num_online_cpus() > 1) {
        features |= COOP_HOST_NMI_KICK;
    }
    return features;
}

/*
 * KVM below this kernel may say by a page fault that a page of the user's is not there yet. In the user mode
 * of a guest it would be the guest's page fault, at an address that means nothing to it; and the note that
 * goes with the fault would wait for the next page fault of this kernel's own, which panics.
 */
static bool async_page_faults(void) {
    u64 control;

    return kvm_para_available() && !rdmsrl_safe(MSR_KVM_ASYNC_PF_EN, &control) &&
           (control & KVM_ASYNC_PF_ENABLED);
}

/* What only the host knows, or a reason why no guest can run here at all. */
static int describe_host(struct coop_core_config* config) {
    if (cpu_feature_enabled(X86_FEATURE_XENPV)) {
        pr_err("this kernel is a Xen PV guest and does not own ring 0\n");
        return -ENODEV;
    }
    if (cc_platform_has(CC_ATTR_MEM_ENCRYPT)) {
        pr_err("memory encryption is on; boot with mem_encrypt=off\n");
        return -ENODEV;
    }
    if (async_page_faults()) {
        pr_err("this kernel is a KVM guest with asynchronous page faults; boot with no-kvmapf\n");
        return -ENODEV;
    }
    if (IS_ENABLED(CONFIG_PREEMPT_RT)) {
        /* Its locks sleep, also those that a critical section must take (eventfd_signal). */
        pr_err("this is a PREEMPT_RT kernel, where a vCPU cannot wake its process\n");
        return -ENODEV;
    }
    if (!boot_cpu_has(X86_FEATURE_TSC) || !tsc_khz) {
        pr_err("the kernel knows no TSC rate\n");
        return -ENODEV;
    }
    if (stuck_limit_ms < 100) {
        pr_err("stuck_limit_ms=%u is below 100\n", stuck_limit_ms);
        return -EINVAL;
    }
    config->tsc_khz = tsc_khz;
    config->cpus = nr_cpu_ids;
    config->stuck_limit_ns = (u64)stuck_limit_ms * NSEC_PER_MSEC;
    if (boot_cpu_has_bug(X86_BUG_CPU_MELTDOWN)) {
        config->features |= COOP_HOST_MELTDOWN;
    }
    return 0;
}

static int __init load(void) {
    struct coop_core_config config = {};
    int error = describe_host(&config);

    if (error) {
        return error;
    }
    error = coop_core_load(&config);
    if (error) {
        pr_err("guests cannot run on this host (error %d)\n", error);
        return error;
    }
    error = coop_cpu_load();
    if (error) {
        goto unload_core;
    }
    error = register_reboot_notifier(&reboot_notifier);
    if (error) {
        goto unload_cpu;
    }
    error = register_pm_notifier(&sleep_notifier);
    if (error) {
        goto unregister_reboot;
    }
    error = coop_device_register();
    if (error) {
        goto unregister_sleep;
    }
    pr_info("libcoop %s, control ABI %d.%d, guest ABI %d.%d\n", COOP_BUILD, COOP_IOCTL_MAJOR,
            COOP_IOCTL_MINOR, COOP_ABI_MAJOR, COOP_ABI_MINOR);
    return 0;

unregister_sleep:
    unregister_pm_notifier(&sleep_notifier);
unregister_reboot:
    unregister_reboot_notifier(&reboot_notifier);
unload_cpu:
    coop_cpu_unload();
unload_core:
    coop_core_unload();
    return error;
}

static void __exit unload(void) {
    coop_device_unregister();
    unregister_pm_notifier(&sleep_notifier);
    unregister_reboot_notifier(&reboot_notifier);
    coop_cpu_unload();
    coop_core_unload();
}

module_init(load);
module_exit(unload);
MODULE_LICENSE("GPL");
MODULE_AUTHOR("The libcoop authors");
MODULE_DESCRIPTION("Cooperative guests: a Linux kernel beside the host's, without hardware virtualization");
MODULE_VERSION(COOP_BUILD);
