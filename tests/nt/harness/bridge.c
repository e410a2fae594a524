// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/coop, as user space on Linux knows it, in front of a driver of NT's: each request becomes an IRP, with
 * the buffers of coop/ioctl_nt.h in place of pointers; an eventfd is an event, a signal a user APC.
 *
 * And one request more, for what only NT has: any control code, as DeviceIoControl takes it (struct
 * coop_nt_raw).
 */
#include "bridge.h"

#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pfn.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "coop/ioctl_nt.h"
#include "double.h"
#include "driver.h"
#include "io.h"
#include "mapping.h"
#include "probes.h"
#include "process.h"
#include "raw.h"
#include "status.h"
#include "user_ram.h"

#define LOG_BYTES 65536 /* the ring holds no more */
#define MOST_EXTENTS 4096
#define MOST_RAW_BYTES (1u << 20)

struct handle {
    struct nt_file* file;
    struct user_ram* ram;
};

static struct address_space* the_mapping; /* of the device's node, for all files */

/* --- Open and close --- */

static s32 send(struct nt_file* file, u8 major) {
    struct io_request request = {.major = major};

    return io_send(file, &request);
}

static int device_open(struct inode* inode, struct file* file) {
    struct handle* handle = kzalloc(sizeof(*handle), GFP_KERNEL);
    int error = handle ? process_admit(false) : -ENOMEM;

    if (!error) {
        handle->file = file_new(driver_loaded());
        handle->ram = handle->file ? user_ram_new(handle->file) : NULL;
        error = handle->ram ? 0 : -ENOMEM;
    }
    if (!error && send(handle->file, NT_MAJOR_CREATE)) {
        error = -EACCES;
    }
    if (error) {
        if (handle && handle->ram) {
            user_ram_free(handle->ram);
        }
        if (handle && handle->file) {
            file_free(handle->file);
        }
        kfree(handle);
        return error;
    }
    file->private_data = handle;
    WRITE_ONCE(the_mapping, file->f_mapping);
    return 0;
}

/* NT tells the last handle's end from the last reference's; here both come together. */
static int device_release(struct inode* inode, struct file* file) {
    struct handle* handle = file->private_data;

    send(handle->file, NT_MAJOR_CLEANUP);
    send(handle->file, NT_MAJOR_CLOSE);
    user_ram_free(handle->ram);
    file_free(handle->file);
    kfree(handle);
    return 0;
}

/* --- Requests --- */

/* What NT has room for behind the structure, where Linux has a pointer. */
struct array {
    u64 pointer;
    u32 capacity, element_bytes;
};

/* Takes the pointer out of the request, which has the structure's right size. */
static struct array take_array(u32 number, u32 size, union coop_payload* payload) {
    struct array array = {};

    if (number == COOP_REQUEST_EXTENTS && size == sizeof(payload->extents)) {
        array =
            (struct array){payload->extents.array_ptr, min_t(u32, payload->extents.capacity, MOST_EXTENTS),
                           sizeof(struct coop_extent)};
        payload->extents.array_ptr = 0;
        payload->extents.capacity = array.capacity;
    } else if (number == COOP_REQUEST_LOG && size == sizeof(payload->log)) {
        array = (struct array){payload->log.data_ptr, min_t(u32, payload->log.capacity, LOG_BYTES), 1};
        payload->log.data_ptr = 0;
        payload->log.capacity = array.capacity;
    }
    return array;
}

/* Copies out what came, and puts the request's own fields back. */
static int give_array(u32 number, union coop_payload* payload, u32 size, const struct array* array,
                      const union coop_payload* sent) {
    u32 count = 0;

    if (number == COOP_REQUEST_EXTENTS) {
        count = min(payload->extents.count, array->capacity);
        payload->extents.array_ptr = sent->extents.array_ptr;
        payload->extents.capacity = sent->extents.capacity;
    } else if (number == COOP_REQUEST_LOG) {
        count = min(payload->log.count, array->capacity);
        payload->log.data_ptr = sent->log.data_ptr;
        payload->log.capacity = sent->log.capacity;
    }
    return copy_to_user(u64_to_user_ptr(array->pointer), (u8*)payload + size, count * array->element_bytes)
               ? -EFAULT
               : 0;
}

/* Sends what is in the buffer, and copies the answer out. */
static int exchange(struct handle* handle, struct io_request* request, void __user* argument,
                    const struct array* array, const union coop_payload* sent) {
    u32 size = request->input_bytes, number = (request->code - COOP_NT_CODE(0)) >> 2;
    int error = status_errno(io_send(handle->file, request));

    if (error) {
        return error;
    }
    if (request->information > request->output_bytes) {
        double_complaint("request %u tells of %llu bytes in a buffer of %u", number, request->information,
                         request->output_bytes);
        return -EIO;
    }
    if (array->element_bytes) {
        error = give_array(number, request->buffer, size, array, sent);
    }
    if (!error && copy_to_user(argument, request->buffer, min_t(u64, size, request->information))) {
        error = -EFAULT;
    }
    return error;
}

static long translate(struct handle* handle, unsigned int command, void __user* argument) {
    struct io_request request = {.major = NT_MAJOR_DEVICE_CONTROL,
                                 .code = COOP_NT_CODE(_IOC_NR(command)),
                                 .input_bytes = _IOC_SIZE(command)};
    union coop_payload head = {}, sent;
    struct array array;
    int error;

    if (copy_from_user(&head, argument, min_t(u32, request.input_bytes, sizeof(head)))) {
        return -EFAULT;
    }
    sent = head;
    array = take_array(_IOC_NR(command), request.input_bytes, &head);
    request.output_bytes = request.input_bytes + array.capacity * array.element_bytes;
    request.buffer = kvmalloc(max_t(u32, request.output_bytes, sizeof(head)), GFP_KERNEL);
    if (!request.buffer) {
        return -ENOMEM;
    }
    error = copy_from_user(request.buffer, argument, request.input_bytes) ? -EFAULT : 0;
    memcpy(request.buffer, &head, sizeof(head));
    if (!error) {
        error = exchange(handle, &request, argument, &array, &sent);
    }
    kvfree(request.buffer);
    return error;
}

static long send_raw(struct handle* handle, struct coop_nt_raw __user* argument) {
    struct io_request request = {.major = NT_MAJOR_DEVICE_CONTROL};
    struct coop_nt_raw raw;
    u32 bytes;
    int error;

    if (copy_from_user(&raw, argument, sizeof(raw))) {
        return -EFAULT;
    }
    bytes = max(raw.input_bytes, raw.output_bytes);
    if (bytes > MOST_RAW_BYTES) {
        return -EINVAL;
    }
    request.code = raw.code;
    request.input_bytes = raw.input_bytes;
    request.output_bytes = raw.output_bytes;
    request.buffer = kvzalloc(max(bytes, 1u), GFP_KERNEL);
    if (!request.buffer) {
        return -ENOMEM;
    }
    error = copy_from_user(request.buffer, u64_to_user_ptr(raw.buffer), raw.input_bytes) ? -EFAULT : 0;
    if (!error) {
        raw.status = io_send(handle->file, &request);
        raw.information = request.information;
        bytes = min_t(u64, raw.output_bytes, request.information);
        error = copy_to_user(u64_to_user_ptr(raw.buffer), request.buffer, bytes) ||
                        copy_to_user(argument, &raw, sizeof(raw))
                    ? -EFAULT
                    : 0;
    }
    kvfree(request.buffer);
    return error;
}

static long device_ioctl(struct file* file, unsigned int command, unsigned long argument) {
    struct handle* handle = file->private_data;
    int error = process_admit(false);

    if (error) {
        return error;
    }
    if (command == COOP_NT_RAW) {
        return send_raw(handle, (void __user*)argument);
    }
    /* Of these two NT knows nothing. */
    if (_IOC_TYPE(command) != COOP_IOCTL_TYPE || _IOC_NR(command) >= COOP_REQUEST_COUNT) {
        return -ENOTTY;
    }
    if (_IOC_DIR(command) != (_IOC_READ | _IOC_WRITE)) {
        return -EINVAL;
    }
    return translate(handle, command, (void __user*)argument);
}

/* --- Memory: as in hosts/linux/device.c, with the driver's mappings behind it --- */

static vm_fault_t fault(struct vm_fault* fault) {
    struct handle* handle = fault->vma->vm_file->private_data;
    u64 frame;

    if (fault->pgoff > U64_MAX >> PAGE_SHIFT ||
        user_ram_frame(handle->ram, (u64)fault->pgoff << PAGE_SHIFT, &frame)) {
        return VM_FAULT_SIGBUS;
    }
    fault->page = pfn_to_page(PHYS_PFN(frame));
    get_page(fault->page);
    return 0;
}

static const struct vm_operations_struct mapping_operations = {.fault = fault};

static int device_mmap(struct file* file, struct vm_area_struct* vma) {
    struct handle* handle = file->private_data;
    int error = process_admit(true) ?: user_ram_learn(handle->ram);

    if (error) {
        return error;
    }
    if (!(vma->vm_flags & VM_SHARED) || (vma->vm_flags & VM_EXEC)) {
        return -EINVAL;
    }
#if COOP_PROBE_VM_FLAGS_SET
    vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP | VM_DONTCOPY);
    vm_flags_clear(vma, VM_MAYEXEC);
#else
    vma->vm_flags |= VM_DONTEXPAND | VM_DONTDUMP | VM_DONTCOPY;
    vma->vm_flags &= ~VM_MAYEXEC;
#endif
    vma->vm_ops = &mapping_operations;
    return 0;
}

/* Whoever has other mappings faults again. */
static void drop_pages(void) {
    struct address_space* mapping = READ_ONCE(the_mapping);

    if (mapping) {
        unmap_mapping_range(mapping, 0, 0, 1);
    }
}

static const struct file_operations operations = {
    .owner = THIS_MODULE,
    .open = device_open,
    .release = device_release,
    .unlocked_ioctl = device_ioctl,
    .mmap = device_mmap,
};

static struct miscdevice device = {
    .minor = MISC_DYNAMIC_MINOR, .name = "coop", .fops = &operations, .mode = 0600};

int bridge_load(void) {
    mapping_lost = drop_pages;
    return misc_register(&device);
}

void bridge_unload(void) {
    misc_deregister(&device);
}
