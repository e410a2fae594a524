// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/coop_contract: a write of "NAME DESCRIPTOR" runs that case of the suite. It fails with EIO if a check
 * failed, which the kernel's log names. The descriptor is a non-blocking eventfd.
 */
#define pr_fmt(text) "coop_contract: " text

#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "contract.h"
#include "environment.h"
#include "shim.h"

static const struct {
    const char* name;
    void (*run)(void);
} cases[] = {
#define CONTRACT_CASE(name) {#name, contract_##name},
#include "contract.def"
};

static DEFINE_MUTEX(one_at_a_time);

static ssize_t run(struct file* file, const char __user* text, size_t bytes, loff_t* position) {
    char line[32], name[16];
    unsigned int descriptor, i;
    int failed = -ENOENT;

    if (bytes >= sizeof(line)) {
        return -EINVAL;
    }
    if (copy_from_user(line, text, bytes)) {
        return -EFAULT;
    }
    line[bytes] = '\0';
    if (sscanf(line, "%15s %u", name, &descriptor) != 2) {
        return -EINVAL;
    }
    mutex_lock(&one_at_a_time);
    for (i = 0; i < ARRAY_SIZE(cases); i++) {
        if (!strcmp(name, cases[i].name)) {
            failed = environment_run(cases[i].run, descriptor);
        }
    }
    mutex_unlock(&one_at_a_time);
    if (failed) {
        return failed < 0 ? failed : -EIO;
    }
    return bytes;
}

static const struct file_operations operations = {.owner = THIS_MODULE, .write = run};
static struct miscdevice device = {
    .minor = MISC_DYNAMIC_MINOR, .name = "coop_contract", .fops = &operations, .mode = 0600};

static int __init load(void) {
    int error = coop_cpu_load();

    if (error) {
        return error;
    }
    error = misc_register(&device);
    if (error) {
        coop_cpu_unload();
    }
    return error;
}

static void __exit unload(void) {
    misc_deregister(&device);
    coop_cpu_unload();
}

module_init(load);
module_exit(unload);
MODULE_DESCRIPTION("Asks the shim of libcoop whether it keeps the host contract");
MODULE_LICENSE("GPL");
