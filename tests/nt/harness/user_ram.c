// SPDX-License-Identifier: GPL-2.0-only
/*
 * Linux maps any part of a guest's RAM, NT whole extents. So each page that user space touches is looked for
 * where the driver says that it has mapped it for this process.
 */
#include "user_ram.h"

#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/slab.h>

#include "coop/ioctl_nt.h"
#include "double.h"
#include "io.h"
#include "mapping.h"
#include "process.h"
#include "status.h"

#define MOST_EXTENTS 4096

struct view {
    struct coop_extent extent;
    const void* process; /* for whom it was mapped last */
    u64 address;
};

struct user_ram {
    struct nt_file* file;
    struct mutex lock;
    struct view* views; /* NULL: not known yet */
    unsigned int count;
};

struct user_ram* user_ram_new(struct nt_file* file) {
    struct user_ram* ram = kzalloc(sizeof(*ram), GFP_KERNEL);

    if (ram) {
        ram->file = file;
        mutex_init(&ram->lock);
    }
    return ram;
}

void user_ram_free(struct user_ram* ram) {
    mutex_destroy(&ram->lock);
    kvfree(ram->views);
    kfree(ram);
}

static int ask(struct user_ram* ram, u32 number, void* buffer, u32 input_bytes, u32 output_bytes) {
    struct io_request request = {.major = NT_MAJOR_DEVICE_CONTROL,
                                 .code = COOP_NT_CODE(number),
                                 .buffer = buffer,
                                 .input_bytes = input_bytes,
                                 .output_bytes = output_bytes};

    return status_errno(io_send(ram->file, &request));
}

static int learn(struct user_ram* ram, struct coop_extents* list, u32 bytes) {
    const struct coop_extent* extents = (void*)(list + 1);
    struct view* views;
    unsigned int i;
    int error;

    list->capacity = MOST_EXTENTS;
    error = ask(ram, COOP_REQUEST_EXTENTS, list, sizeof(*list), bytes);
    if (error) {
        return error;
    }
    if (list->count > MOST_EXTENTS) {
        double_complaint("%u extents", list->count);
        return -EINVAL;
    }
    views = kvcalloc(list->count, sizeof(*views), GFP_KERNEL);
    if (!views) {
        return -ENOMEM;
    }
    for (i = 0; i < list->count; i++) {
        views[i].extent = extents[i];
    }
    ram->count = list->count;
    ram->views = views;
    return 0;
}

int user_ram_learn(struct user_ram* ram) {
    u32 bytes = sizeof(struct coop_extents) + MOST_EXTENTS * sizeof(struct coop_extent);
    struct coop_extents* list;
    int error = 0;

    mutex_lock(&ram->lock);
    if (!ram->views) {
        list = kvzalloc(bytes, GFP_KERNEL);
        error = list ? learn(ram, list, bytes) : -ENOMEM;
        kvfree(list);
    }
    mutex_unlock(&ram->lock);
    return error;
}

static struct view* view_of(struct user_ram* ram, u64 offset) {
    unsigned int i;

    for (i = 0; i < ram->count; i++) {
        const struct coop_extent* extent = &ram->views[i].extent;

        if (offset >= extent->map_offset && offset - extent->map_offset < extent->size) {
            return &ram->views[i];
        }
    }
    return NULL;
}

static int map(struct user_ram* ram, struct view* view, const void* process) {
    struct coop_nt_map request = {.map_offset = view->extent.map_offset};
    int error = ask(ram, COOP_NT_REQUEST_MAP, &request, sizeof(request), sizeof(request));

    if (!error && request.size != view->extent.size) {
        double_complaint("MAP shows %llu bytes of an extent of %llu", request.size, view->extent.size);
        error = -EINVAL;
    }
    if (!error) {
        view->process = process;
        view->address = request.address;
    }
    return error;
}

static int look(struct user_ram* ram, struct view* view, u64 offset, u64* frame) {
    const void* process = process_current();
    u64 within = offset - view->extent.map_offset;
    int error;

    if (view->process == process && mapping_frame(process, view->address + within, frame)) {
        return 0;
    }
    error = map(ram, view, process);
    if (!error && !mapping_frame(process, view->address + within, frame)) {
        double_complaint("MAP succeeds and maps nothing at %#llx", view->address + within);
        error = -EFAULT;
    }
    if (!error && *frame != view->extent.gpa + within) {
        double_complaint("MAP shows the frame %#llx in place of %#llx", *frame, view->extent.gpa + within);
        error = -EFAULT;
    }
    return error;
}

int user_ram_frame(struct user_ram* ram, uint64_t offset, uint64_t* frame) {
    struct view* view;
    int error;

    mutex_lock(&ram->lock);
    view = view_of(ram, offset);
    error = view ? look(ram, view, offset, frame) : -EINVAL;
    mutex_unlock(&ram->lock);
    return error;
}
