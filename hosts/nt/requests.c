// SPDX-License-Identifier: GPL-2.0-only
/*
 * The requests of coop/ioctl.h and coop/ioctl_nt.h. One table row each: size, directions, handler. A handler
 * works on NT's copy of the structure, which becomes the answer; the core checks what the fields mean.
 */
#include "shim.h"

struct request {
    struct coop_handle* handle;
    PIRP irp;
    void* payload; /* the structure, and room behind it */
    uint32_t room; /* bytes behind it */
    uint32_t more; /* of these, to be returned */
};

static NTSTATUS get_version(struct request* request) {
    struct coop_version* version = request->payload;

    *version =
        (struct coop_version){COOP_IOCTL_MAJOR, COOP_IOCTL_MINOR, COOP_ABI_MAJOR, COOP_ABI_MINOR, COOP_BUILD};
    return STATUS_SUCCESS;
}

static NTSTATUS get_host(struct request* request) {
    return coop_status(coop_core_host_info(request->payload));
}

static int create_guest(struct coop_handle* handle, const struct coop_create* request) {
    struct coop_guest* guest;
    int result = coop_lifecycle_admit(handle);

    if (result) {
        return result;
    }
    result = coop_guest_create(request, &guest);
    if (result) {
        coop_lifecycle_dismiss(handle);
    } else {
        __atomic_store_n(&handle->guest, guest, __ATOMIC_RELEASE);
    }
    return result;
}

static NTSTATUS create(struct request* request) {
    struct coop_handle* handle = request->handle;
    int result;

    if (InterlockedExchange(&handle->claimed, 1)) {
        return coop_status(-COOP_E_BUSY);
    }
    result = create_guest(handle, request->payload);
    if (result) {
        InterlockedExchange(&handle->claimed, 0);
    }
    return coop_status(result);
}

static NTSTATUS get_extents(struct request* request) {
    struct coop_extents* extents = request->payload;
    struct coop_extent* array = (struct coop_extent*)(extents + 1);
    struct coop_extent extent;
    uint32_t index = 0;

    if (extents->array_ptr || request->room != (uint64_t)extents->capacity * sizeof(extent)) {
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    while (!coop_guest_extent(request->handle->guest, index, &extent)) {
        if (index < extents->capacity) {
            array[index] = extent;
        }
        index++;
    }
    extents->count = index;
    request->more = min(index, extents->capacity) * sizeof(extent);
    return STATUS_SUCCESS;
}

static NTSTATUS start(struct request* request) {
    return coop_status(coop_guest_start(request->handle->guest, request->payload));
}

static NTSTATUS run(struct request* request) {
    NTSTATUS status;

    if (!coop_lifecycle_run_enter()) {
        return STATUS_SHUTDOWN_IN_PROGRESS;
    }
    status = coop_status(coop_guest_run(request->handle->guest, request->payload));
    coop_lifecycle_run_leave();
    return status;
}

static NTSTATUS set_notifier(struct request* request) {
    const struct coop_notifier_request* where = request->payload;
    struct coop_host_notifier* notifier = NULL;
    int result;

    if (where->handle != ~0ull) {
        NTSTATUS status = coop_notifier_open(where->handle, &notifier);

        if (!NT_SUCCESS(status)) {
            return status;
        }
    }
    result = coop_guest_set_notifier(request->handle->guest, where->device, where->queue, notifier);
    if (result && notifier) {
        coop_host_notifier_release(notifier);
    }
    return coop_status(result);
}

static NTSTATUS interrupt(struct request* request) {
    const struct coop_interrupt* which = request->payload;

    return coop_status(which->reserved ? -COOP_E_INVALID
                                       : coop_guest_interrupt(request->handle->guest, which->device));
}

static NTSTATUS get_stats(struct request* request) {
    return coop_status(coop_guest_stats(request->handle->guest, request->payload));
}

static NTSTATUS read_log(struct request* request) {
    struct coop_log* log = request->payload;
    int result;

    if (log->data_ptr || request->room != log->capacity) {
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    result = coop_guest_log(request->handle->guest, &log->position, log + 1, log->capacity);
    if (result < 0) {
        return coop_status(result);
    }
    log->count = request->more = result;
    return STATUS_SUCCESS;
}

static NTSTATUS raise_event(struct request* request) {
    const struct coop_event* event = request->payload;

    return coop_status(coop_guest_event(request->handle->guest, event->bits));
}

static NTSTATUS end(struct request* request) {
    const struct coop_end* how = request->payload;

    return coop_status(how->reserved ? -COOP_E_INVALID : coop_guest_end(request->handle->guest, how->reason));
}

static NTSTATUS map(struct request* request) {
    struct coop_nt_map* where = request->payload;
    struct coop_extent extent;
    uint32_t index = 0;

    while (!coop_guest_extent(request->handle->guest, index++, &extent)) {
        if (extent.map_offset == where->map_offset) {
            return coop_status(coop_mapping_add(request->handle, extent.gpa, where));
        }
    }
    return coop_status(-COOP_E_INVALID);
}

static NTSTATUS wait_for_host(struct request* request) {
    return coop_notice_wait(request->irp);
}

enum { TAKES = 1, GIVES = 2, GUEST = 4, LASTS = 8, ROOM = 16 };

struct row {
    NTSTATUS (*handle)(struct request* request);
    uint32_t size;
    unsigned int flags;
};
static const struct row common[COOP_REQUEST_COUNT] = {
    [COOP_REQUEST_VERSION] = {get_version, sizeof(struct coop_version), GIVES},
    [COOP_REQUEST_HOST] = {get_host, sizeof(struct coop_host_info), GIVES},
    [COOP_REQUEST_CREATE] = {create, sizeof(struct coop_create), TAKES | LASTS},
    [COOP_REQUEST_EXTENTS] = {get_extents, sizeof(struct coop_extents), TAKES | GIVES | GUEST | ROOM},
    [COOP_REQUEST_START] = {start, sizeof(struct coop_start), TAKES | GUEST},
    [COOP_REQUEST_RUN] = {run, sizeof(struct coop_run), TAKES | GIVES | GUEST | LASTS},
    [COOP_REQUEST_NOTIFIER] = {set_notifier, sizeof(struct coop_notifier_request), TAKES | GUEST},
    [COOP_REQUEST_INTERRUPT] = {interrupt, sizeof(struct coop_interrupt), TAKES | GUEST},
    [COOP_REQUEST_STATS] = {get_stats, sizeof(struct coop_stats), GIVES | GUEST},
    [COOP_REQUEST_LOG] = {read_log, sizeof(struct coop_log), TAKES | GIVES | GUEST | ROOM},
    [COOP_REQUEST_EVENT] = {raise_event, sizeof(struct coop_event), TAKES | GUEST},
    [COOP_REQUEST_END] = {end, sizeof(struct coop_end), TAKES | GUEST},
};
static const struct row own[] = {
    [COOP_NT_REQUEST_MAP - COOP_NT_REQUEST_MAP] = {map, sizeof(struct coop_nt_map), TAKES | GIVES | GUEST},
    [COOP_NT_REQUEST_HOST_EVENT -
        COOP_NT_REQUEST_MAP] = {wait_for_host, sizeof(struct coop_nt_host_event), GIVES},
};

static const struct row* find(uint32_t code) {
    uint32_t number = (code - COOP_NT_CODE(0u)) >> 2;
    const struct row* row = number < COOP_REQUEST_COUNT ? &common[number]
                            : number - COOP_NT_REQUEST_MAP < RTL_NUMBER_OF(own)
                                ? &own[number - COOP_NT_REQUEST_MAP]
                                : NULL;

    __asm__ volatile("lfence"); /* no speculation beyond the tables */
    return row && code == COOP_NT_CODE(number) ? row : NULL;
}

static NTSTATUS call_interruptibly(const struct row* row, struct request* request) {
    struct coop_call* call =
        coop_call_begin(request->irp, IoGetCurrentIrpStackLocation(request->irp)->FileObject);
    NTSTATUS status;

    if (!call) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    status = row->handle(request);
    coop_call_end(call);
    return status;
}

NTSTATUS coop_request(struct coop_handle* handle, PIRP irp) {
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
    uint32_t in = stack->Parameters.DeviceIoControl.InputBufferLength;
    uint32_t out = stack->Parameters.DeviceIoControl.OutputBufferLength;
    const struct row* row = find(stack->Parameters.DeviceIoControl.IoControlCode);
    struct request request = {handle, irp, irp->AssociatedIrp.SystemBuffer, 0, 0};
    NTSTATUS status;

    if (!row) {
        return coop_complete(irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
    if (in != row->size || out < row->size || (out != row->size && !(row->flags & ROOM))) {
        return coop_complete(irp, STATUS_INFO_LENGTH_MISMATCH, 0);
    }
    if ((row->flags & GUEST) && !__atomic_load_n(&handle->guest, __ATOMIC_ACQUIRE)) {
        return coop_complete(irp, coop_status(-COOP_E_NO_DEVICE), 0);
    }
    if (!(row->flags & TAKES)) {
        RtlZeroMemory(request.payload, row->size);
    }
    request.room = out - row->size;
    status = row->flags & LASTS ? call_interruptibly(row, &request) : row->handle(&request);
    if (status == STATUS_PENDING || row->handle == wait_for_host) {
        return status;
    }
    return coop_complete(irp, status,
                         status == STATUS_SUCCESS && (row->flags & GIVES) ? row->size + request.more : 0);
}
