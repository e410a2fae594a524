// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counted objects and the handles of the kernel. A user's handle is a descriptor, which only eventfds are of
 * interest of; those of the kernel have their own numbers, which no descriptor has.
 */
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "double.h"

#define KERNEL_HANDLES 0xffffffff80000000ull /* as in NT, their sign bit is set */

struct object {
    refcount_t references;
    enum object_kind kind;
    void (*destroy)(void* body);
    u8 body[] __aligned(16);
};

static DEFINE_XARRAY_ALLOC1(handles);

static struct object* object_of(const void* body) {
    return container_of(body, struct object, body);
}

void* object_new(enum object_kind kind, size_t bytes, void (*destroy)(void* body)) {
    struct object* object = kzalloc(sizeof(*object) + bytes, GFP_KERNEL);

    if (!object) {
        return NULL;
    }
    refcount_set(&object->references, 1);
    object->kind = kind;
    object->destroy = destroy;
    return object->body;
}

enum object_kind object_kind(const void* body) {
    return object_of(body)->kind;
}

void object_get(void* body) {
    refcount_inc(&object_of(body)->references);
}

bool object_get_live(void* body) {
    return refcount_inc_not_zero(&object_of(body)->references);
}

void object_put(void* body) {
    struct object* object = object_of(body);

    if (refcount_dec_and_test(&object->references)) {
        if (object->destroy) {
            object->destroy(body);
        }
        kfree(object);
    }
}

uint64_t handle_new(void* body) {
    u32 number;

    if (xa_alloc(&handles, &number, body, XA_LIMIT(1, 10000), GFP_KERNEL)) {
        return 0;
    }
    object_get(body);
    tally_taken(TALLY_handles);
    return KERNEL_HANDLES + 4 * number;
}

NT_EXPORT(int32_t, ZwClose, uint64_t handle) {
    void* body = handle > KERNEL_HANDLES ? xa_erase(&handles, (handle - KERNEL_HANDLES) / 4) : NULL;

    if (!body) {
        double_complaint("ZwClose(%llx), which is no handle", handle);
        return NT_INVALID_HANDLE;
    }
    object_put(body);
    tally_given_back(TALLY_handles);
    return NT_SUCCESS;
}

/* Types are known by the addresses of these variables' values. */
static char event_type, thread_type, process_type, file_type;
NT_DATA(void*, ExEventObjectType) = &event_type;
NT_DATA(void*, PsThreadType) = &thread_type;
NT_DATA(void*, PsProcessType) = &process_type;
NT_DATA(void*, IoFileObjectType) = &file_type;

static void* type_of(const void* body) {
    switch (object_kind(body)) {
    case OBJECT_EVENT:
        return &event_type;
    case OBJECT_THREAD:
        return &thread_type;
    case OBJECT_PROCESS:
        return &process_type;
    default:
        return NULL;
    }
}

static void reference(void* body) {
    object_get(body);
    tally_taken(TALLY_references);
}

NT_EXPORT(int32_t, ObReferenceObjectByHandle, uint64_t handle, uint32_t access, void** type, uint8_t mode,
          void** body, void* information) {
    s32 status = NT_INVALID_HANDLE;

    *body = NULL;
    if (mode == NT_USER_MODE) {
        *body = user_event_open(handle, &status);
        if (*body && type && type != nt_ExEventObjectType) {
            object_put(*body);
            *body = NULL;
            status = NT_OBJECT_TYPE_MISMATCH;
        }
        if (*body) {
            tally_taken(TALLY_references);
        }
        return *body ? NT_SUCCESS : status;
    }
    xa_lock(&handles);
    if (handle > KERNEL_HANDLES) {
        *body = xa_load(&handles, (handle - KERNEL_HANDLES) / 4);
    }
    if (*body && type && type_of(*body) != type) {
        *body = NULL;
        status = NT_OBJECT_TYPE_MISMATCH;
    }
    if (*body) {
        reference(*body);
    }
    xa_unlock(&handles);
    return *body ? NT_SUCCESS : status;
}

NT_EXPORT(int64_t, ObfReferenceObject, void* body) {
    reference(body);
    return refcount_read(&object_of(body)->references);
}

NT_EXPORT(int64_t, ObfDereferenceObject, void* body) {
    /* One less than before, as far as it can be told afterwards. */
    s64 left = refcount_read(&object_of(body)->references) - 1;

    tally_given_back(TALLY_references);
    object_put(body);
    return left;
}

NT_EXPORT(int32_t, ObOpenObjectByPointer, void* body, uint32_t attributes, void* access_state,
          uint32_t access, void* type, uint8_t mode, uint64_t* handle) {
    *handle = handle_new(body);
    return *handle ? NT_SUCCESS : NT_INSUFFICIENT_RESOURCES;
}
