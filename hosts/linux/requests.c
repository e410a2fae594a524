// SPDX-License-Identifier: GPL-2.0-only
/*
 * The requests of coop/ioctl.h. One table row each: size, directions, handler. A handler works on a kernel
 * copy; the core checks what the fields mean.
 *
 * ENOTTY: no such request. EINVAL: its structure has another size or direction, so user space was built for
 * another version of the ABI. EFAULT: bad address. ENXIO: the handle has no guest yet.
 */
#include <linux/eventfd.h>
#include <linux/ioctl.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "shim.h"

#define LOG_CHUNK SZ_64K /* the ring holds no more */

static long get_version(struct coop_handle* handle, void* payload) {
    struct coop_version* version = payload;

    version->ioctl_major = COOP_IOCTL_MAJOR;
    version->ioctl_minor = COOP_IOCTL_MINOR;
    version->guest_abi_major = COOP_ABI_MAJOR;
    version->guest_abi_minor = COOP_ABI_MINOR;
    strscpy(version->build, COOP_BUILD, sizeof(version->build));
    return 0;
}

static long get_host(struct coop_handle* handle, void* payload) {
    struct coop_host_info* info = payload;
    long result = coop_core_host_info(info);

    info->features |= coop_lifecycle_features();
    return result;
}

static long create(struct coop_handle* handle, void* payload) {
    struct coop_guest* guest;
    long result = mutex_lock_interruptible(&handle->creation);

    if (result) {
        return -EINTR;
    }
    result = handle->guest ? -EBUSY : coop_lifecycle_admit(handle);
    if (!result) {
        result = coop_guest_create(payload, &guest);
        if (result) {
            coop_lifecycle_dismiss(handle);
        } else {
            smp_store_release(&handle->guest, guest);
        }
    }
    mutex_unlock(&handle->creation);
    return result;
}

static long get_extents(struct coop_handle* handle, void* payload) {
    struct coop_extents* request = payload;
    struct coop_extent __user* array = u64_to_user_ptr(request->array_ptr);
    struct coop_extent extent;
    u32 index = 0;

    while (!coop_guest_extent(handle->guest, index, &extent)) {
        if (index < request->capacity && copy_to_user(array + index, &extent, sizeof(extent))) {
            return -EFAULT;
        }
        index++;
    }
    request->count = index;
    return 0;
}

static long start(struct coop_handle* handle, void* payload) {
    return coop_guest_start(handle->guest, payload);
}

static long run(struct coop_handle* handle, void* payload) {
    long result = coop_lifecycle_run_enter();

    if (!result) {
        result = coop_guest_run(handle->guest, payload);
        coop_lifecycle_run_leave();
    }
    return result;
}

static long set_notifier(struct coop_handle* handle, void* payload) {
    const struct coop_notifier_request* request = payload;
    struct coop_host_notifier* notifier = NULL;
    long result;

    if (request->handle != U64_MAX) {
        notifier = coop_notifier_open(request->handle);
        if (IS_ERR(notifier)) {
            return PTR_ERR(notifier);
        }
    }
    result = coop_guest_set_notifier(handle->guest, request->device, request->queue, notifier);
    if (result && notifier) {
        coop_host_notifier_release(notifier);
    }
    return result;
}

static long interrupt(struct coop_handle* handle, void* payload) {
    const struct coop_interrupt* request = payload;

    return request->reserved ? -EINVAL : coop_guest_interrupt(handle->guest, request->device);
}

static long get_stats(struct coop_handle* handle, void* payload) {
    return coop_guest_stats(handle->guest, payload);
}

static long read_log(struct coop_handle* handle, void* payload) {
    struct coop_log* request = payload;
    u32 capacity = min_t(u32, request->capacity, LOG_CHUNK);
    u64 position = request->position;
    void* buffer = kvmalloc(max_t(u32, capacity, 1), GFP_KERNEL);
    long result;

    if (!buffer) {
        return -ENOMEM;
    }
    result = coop_guest_log(handle->guest, &position, buffer, capacity);
    if (result > 0 && copy_to_user(u64_to_user_ptr(request->data_ptr), buffer, result)) {
        result = -EFAULT;
    }
    kvfree(buffer);
    if (result < 0) {
        return result;
    }
    request->position = position;
    request->count = result;
    return 0;
}

static long raise_event(struct coop_handle* handle, void* payload) {
    const struct coop_event* request = payload;

    return coop_guest_event(handle->guest, request->bits);
}

static long end(struct coop_handle* handle, void* payload) {
    const struct coop_end* request = payload;

    return request->reserved ? -EINVAL : coop_guest_end(handle->guest, request->reason);
}

enum { IN = 1, OUT = 2, GUEST = 4 };

static const struct {
    long (*handle)(struct coop_handle* handle, void* payload);
    unsigned int size;
    unsigned int flags;
} requests[COOP_REQUEST_COUNT] = {
    [COOP_REQUEST_VERSION] = {get_version, sizeof(struct coop_version), OUT},
    [COOP_REQUEST_HOST] = {get_host, sizeof(struct coop_host_info), OUT},
    [COOP_REQUEST_CREATE] = {create, sizeof(struct coop_create), IN},
    [COOP_REQUEST_EXTENTS] = {get_extents, sizeof(struct coop_extents), IN | OUT | GUEST},
    [COOP_REQUEST_START] = {start, sizeof(struct coop_start), IN | GUEST},
    [COOP_REQUEST_RUN] = {run, sizeof(struct coop_run), IN | OUT | GUEST},
    [COOP_REQUEST_NOTIFIER] = {set_notifier, sizeof(struct coop_notifier_request), IN | GUEST},
    [COOP_REQUEST_INTERRUPT] = {interrupt, sizeof(struct coop_interrupt), IN | GUEST},
    [COOP_REQUEST_STATS] = {get_stats, sizeof(struct coop_stats), OUT | GUEST},
    [COOP_REQUEST_LOG] = {read_log, sizeof(struct coop_log), IN | OUT | GUEST},
    [COOP_REQUEST_EVENT] = {raise_event, sizeof(struct coop_event), IN | GUEST},
    [COOP_REQUEST_END] = {end, sizeof(struct coop_end), IN | GUEST},
};

long coop_request(struct coop_handle* handle, unsigned int command, void __user* argument) {
    unsigned int number = _IOC_NR(command);
    union coop_payload payload = {};
    unsigned int flags, size;
    long result;

    if (_IOC_TYPE(command) != COOP_IOCTL_TYPE || number >= COOP_REQUEST_COUNT) {
        return -ENOTTY;
    }
    number = array_index_nospec(number, COOP_REQUEST_COUNT);
    flags = requests[number].flags;
    size = requests[number].size;
    if (_IOC_SIZE(command) != size || _IOC_DIR(command) != (_IOC_READ | _IOC_WRITE)) {
        return -EINVAL;
    }
    if ((flags & GUEST) && !smp_load_acquire(&handle->guest)) {
        return -ENXIO;
    }
    if ((flags & IN) && copy_from_user(&payload, argument, size)) {
        return -EFAULT;
    }
    result = requests[number].handle(handle, &payload);
    if (!result && (flags & OUT) && copy_to_user(argument, &payload, size)) {
        return -EFAULT;
    }
    return result;
}
