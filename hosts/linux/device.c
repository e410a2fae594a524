// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/coop: open, map, release; the requests are in requests.c.
 *
 * Whoever can open it can run code in ring 0, so it asks for CAP_SYS_ADMIN and respects kernel lockdown.
 * Every running request and every mapping holds the file, so release runs when neither is left, also when the
 * process was killed.
 */
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/security.h>
#include <linux/slab.h>

#include "shim.h"

static int device_open(struct inode* inode, struct file* file) {
    struct coop_handle* handle;
    int error;

    if (!capable(CAP_SYS_ADMIN)) {
        return -EPERM;
    }
    error = security_locked_down(LOCKDOWN_DEV_MEM);
    if (error) {
        return error;
    }
    handle = kzalloc(sizeof(*handle), GFP_KERNEL);
    if (!handle) {
        return -ENOMEM;
    }
    mutex_init(&handle->creation);
    INIT_LIST_HEAD(&handle->admitted);
    file->private_data = handle;
    return 0;
}

static int device_release(struct inode* inode, struct file* file) {
    struct coop_handle* handle = file->private_data;

    if (handle->guest) {
        /* First off the list of those that a reboot ends, then gone. */
        coop_lifecycle_dismiss(handle);
        coop_guest_destroy(handle->guest);
    }
    mutex_destroy(&handle->creation);
    kfree(handle);
    return 0;
}

static long device_ioctl(struct file* file, unsigned int command, unsigned long argument) {
    return coop_request(file->private_data, command, (void __user*)argument);
}

/* Pages are mapped as ordinary counted pages, each when touched: direct I/O and the like work on them. */
static vm_fault_t fault(struct vm_fault* fault) {
    struct coop_handle* handle = fault->vma->vm_file->private_data;
    u64 phys;

    if (fault->pgoff > U64_MAX >> PAGE_SHIFT ||
        coop_guest_frame(handle->guest, (u64)fault->pgoff << PAGE_SHIFT, &phys)) {
        return VM_FAULT_SIGBUS;
    }
    fault->page = pfn_to_page(phys >> PAGE_SHIFT);
    get_page(fault->page);
    return 0;
}

static const struct vm_operations_struct mapping = {.fault = fault};

static int device_mmap(struct file* file, struct vm_area_struct* vma) {
    struct coop_handle* handle = file->private_data;

    if (!smp_load_acquire(&handle->guest)) {
        return -ENXIO;
    }
    /* A private mapping would give copies; code does not belong here. */
    if (!(vma->vm_flags & VM_SHARED) || (vma->vm_flags & VM_EXEC)) {
        return -EINVAL;
    }
    /* Not copied by fork: a child that outlives the process would keep the guest's memory. */
#if COOP_PROBE_VM_FLAGS_SET
    vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP | VM_DONTCOPY);
    vm_flags_clear(vma, VM_MAYEXEC);
#else
    vma->vm_flags |= VM_DONTEXPAND | VM_DONTDUMP | VM_DONTCOPY;
    vma->vm_flags &= ~VM_MAYEXEC;
#endif
    vma->vm_ops = &mapping;
    return 0;
}

static const struct file_operations operations = {
    .owner = THIS_MODULE,
    .open = device_open,
    .release = device_release,
    .unlocked_ioctl = device_ioctl,
    .compat_ioctl = compat_ptr_ioctl, /* all structures are fixed width */
    .mmap = device_mmap,
};

static struct miscdevice device = {
    .minor = MISC_DYNAMIC_MINOR,
    .name = "coop",
    .fops = &operations,
    .mode = 0600,
};

int coop_device_register(void) {
    return misc_register(&device);
}

void coop_device_unregister(void) {
    misc_deregister(&device);
}
