// SPDX-License-Identifier: GPL-2.0-only
/* Devices, their names, and I/O request packets: made here, sent to a driver, completed or cancelled. */
#include "io.h"

#include <linux/completion.h>
#include <linux/printk.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "double.h"

#define TYPE_DEVICE 3
#define TYPE_FILE 5
#define TYPE_IRP 6

/* --- Devices --- */

NT_EXPORT(int32_t, IoCreateDevice, struct nt_driver* driver, uint32_t extension_bytes,
          const struct nt_string* name, uint32_t type, uint32_t characteristics, uint8_t exclusive,
          struct nt_device** device) {
    struct nt_device* made = object_new(OBJECT_DEVICE, sizeof(*made) + extension_bytes, NULL);

    if (!made) {
        return NT_INSUFFICIENT_RESOURCES;
    }
    made->type = TYPE_DEVICE;
    made->size = sizeof(*made) + extension_bytes;
    made->driver = driver;
    made->next = driver->devices;
    made->flags = NT_DEVICE_INITIALIZING;
    made->characteristics = characteristics;
    made->extension = made + 1;
    made->device_type = type;
    made->stack_size = 1;
    driver->devices = made;
    *device = made;
    tally_taken(TALLY_devices);
    return NT_SUCCESS;
}

NT_EXPORT(void, IoDeleteDevice, struct nt_device* device) {
    struct nt_device** link = &device->driver->devices;

    while (*link && *link != device) {
        link = &(*link)->next;
    }
    if (!*link) {
        double_complaint("a device is deleted that its driver does not have");
        return;
    }
    *link = device->next;
    object_put(device);
    tally_given_back(TALLY_devices);
}

NT_EXPORT(int32_t, IoCreateSymbolicLink, const struct nt_string* link, const struct nt_string* device) {
    tally_taken(TALLY_links);
    return NT_SUCCESS;
}

NT_EXPORT(int32_t, IoDeleteSymbolicLink, const struct nt_string* link) {
    tally_given_back(TALLY_links);
    return NT_SUCCESS;
}

/* --- Files --- */

struct nt_file* file_new(struct nt_driver* driver) {
    struct nt_file* file;

    if (!driver->devices || driver->devices->flags & NT_DEVICE_INITIALIZING) {
        return NULL;
    }
    file = object_new(OBJECT_FILE, sizeof(*file), NULL);
    if (file) {
        file->type = TYPE_FILE;
        file->size = sizeof(*file);
        file->device = driver->devices;
    }
    return file;
}

void file_free(struct nt_file* file) {
    object_put(file);
}

/* --- Requests --- */

struct packet {
    struct nt_irp irp;
    struct nt_io_stack stack[2]; /* behind the last there is room for where IoCompleteRequest points to */
    struct completion completed;
    bool pending; /* what the driver said */
};

static struct packet* packet_new(struct nt_file* file, const struct io_request* request) {
    struct packet* packet = kzalloc(sizeof(*packet), GFP_KERNEL);

    if (!packet) {
        return NULL;
    }
    packet->irp.type = TYPE_IRP;
    packet->irp.size = sizeof(packet->irp) + sizeof(packet->stack[0]);
    packet->irp.system_buffer = request->buffer;
    packet->irp.requestor_mode = NT_USER_MODE;
    packet->irp.stack_count = packet->irp.current_location = 1;
    packet->irp.thread = current;
    packet->irp.original_file = file;
    packet->irp.current_stack = packet->stack;
    packet->stack->major = request->major;
    packet->stack->device = file->device;
    packet->stack->file = file;
    if (request->major == NT_MAJOR_DEVICE_CONTROL) {
        packet->stack->parameters.ioctl.code = request->code;
        packet->stack->parameters.ioctl.input_bytes = request->input_bytes;
        packet->stack->parameters.ioctl.output_bytes = request->output_bytes;
    }
    init_completion(&packet->completed);
    tally_taken(TALLY_irps);
    return packet;
}

NT_EXPORT(void, IofCompleteRequest, struct nt_irp* irp, int8_t boost) {
    struct packet* packet = container_of(irp, struct packet, irp);

    if (irp->current_location != 1) {
        double_complaint("a request is completed twice");
        return;
    }
    if (irp->cancel_routine) {
        double_complaint("a request is completed while it has a cancel routine");
    }
    if (irp->result.status == NT_PENDING) {
        double_complaint("a request is completed as pending");
    }
    irp->current_location = 2;
    irp->current_stack++;
    irp->pending_returned = packet->stack->control & NT_STACK_PENDING;
    complete(&packet->completed);
}

NT_EXPORT(uint8_t, IoCancelIrp, struct nt_irp* irp) {
    void(NT_CALL * routine)(struct nt_device*, struct nt_irp*);
    u8 level;

    nt_IoAcquireCancelSpinLock(&level);
    irp->cancel = true;
    routine = xchg(&irp->cancel_routine, NULL);
    if (!routine) {
        nt_IoReleaseCancelSpinLock(level);
        return false;
    }
    irp->cancel_irql = level;
    routine(irp->current_stack->device, irp);
    return true;
}

/* A thread that ends waits for its requests, so they must all be cancelled in time. */
static void await(struct packet* packet) {
    if (wait_for_completion_interruptible(&packet->completed)) {
        nt_IoCancelIrp(&packet->irp);
        wait_for_completion(&packet->completed);
    }
}

int32_t io_send(struct nt_file* file, struct io_request* request) {
    struct packet* packet = packet_new(file, request);
    struct nt_driver* driver = file->device->driver;
    s32 status;

    if (!packet) {
        return NT_INSUFFICIENT_RESOURCES;
    }
    if (driver->major[request->major]) {
        status = driver->major[request->major](file->device, &packet->irp);
    } else {
        packet->irp.result.status = status = NT_INVALID_DEVICE_REQUEST;
        nt_IofCompleteRequest(&packet->irp, 0);
    }
    if (irql_now() != NT_PASSIVE_LEVEL || irqs_disabled()) {
        double_complaint("major function %u, code %#x, ends at level %u", request->major, request->code,
                         irql_now());
    }
    await(packet);
    if (status != NT_PENDING && status != packet->irp.result.status) {
        double_complaint("code %#x returns %#x and completes with %#x", request->code, status,
                         packet->irp.result.status);
    }
    if ((status == NT_PENDING) != !!packet->irp.pending_returned) {
        double_complaint("code %#x returns %#x, and %s marked pending", request->code, status,
                         packet->irp.pending_returned ? "is" : "is not");
    }
    status = packet->irp.result.status;
    request->information = packet->irp.result.information;
    kfree(packet);
    tally_given_back(TALLY_irps);
    return status;
}

/* --- Shutdown --- */

static struct nt_device* to_be_told;

NT_EXPORT(int32_t, IoRegisterShutdownNotification, struct nt_device* device) {
    if (cmpxchg(&to_be_told, NULL, device)) {
        double_complaint("a second device for shutdown notifications is not modelled");
        return NT_UNSUCCESSFUL;
    }
    tally_taken(TALLY_routines);
    return NT_SUCCESS;
}

NT_EXPORT(void, IoUnregisterShutdownNotification, struct nt_device* device) {
    if (cmpxchg(&to_be_told, device, NULL) == device) {
        tally_given_back(TALLY_routines);
    }
}

void io_shutdown(void) {
    struct io_request request = {.major = NT_MAJOR_SHUTDOWN};
    struct nt_file* file = to_be_told ? file_new(to_be_told->driver) : NULL;

    if (file) {
        io_send(file, &request);
        file_free(file);
    }
}
