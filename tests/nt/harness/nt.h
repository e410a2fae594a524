/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a driver and the kernel of NT x64 share, as far as the double needs it. layout.c compares each
 * structure with the DDK's headers. Names of ours, so that both can be seen at once.
 */
#ifndef COOP_NT_HARNESS_NT_H
#define COOP_NT_HARNESS_NT_H

#include <stdint.h>

/* The calling convention of everything that a PE calls or is called by. */
#define NT_CALL __attribute__((ms_abi))

#define NT_PAGE 4096u

enum nt_status {
    NT_SUCCESS = 0,
    NT_TIMEOUT = 0x102,
    NT_PENDING = 0x103,
    NT_USER_APC = 0xc0,
    NT_UNSUCCESSFUL = (int)0xc0000001,
    NT_NOT_IMPLEMENTED = (int)0xc0000002,
    NT_INVALID_INFO_CLASS = (int)0xc0000003,
    NT_INFO_LENGTH_MISMATCH = (int)0xc0000004,
    NT_INVALID_HANDLE = (int)0xc0000008,
    NT_INVALID_PARAMETER = (int)0xc000000d,
    NT_INVALID_DEVICE_REQUEST = (int)0xc0000010,
    NT_OBJECT_TYPE_MISMATCH = (int)0xc0000024,
    NT_OBJECT_NAME_NOT_FOUND = (int)0xc0000034,
    NT_OBJECT_NAME_COLLISION = (int)0xc0000035,
    NT_ALLOTTED_SPACE_EXCEEDED = (int)0xc0000099,
    NT_INSUFFICIENT_RESOURCES = (int)0xc000009a,
    NT_DEVICE_BUSY = (int)0x80000011,
    NT_DEVICE_NOT_READY = (int)0xc00000a3,
    NT_INVALID_BLOCK_LENGTH = (int)0xc0000173,
    NT_SHUTDOWN_IN_PROGRESS = (int)0xc00002fe,
    NT_NOT_SUPPORTED = (int)0xc00000bb,
    NT_CANCELLED = (int)0xc0000120,
};

enum { NT_PASSIVE_LEVEL = 0, NT_APC_LEVEL = 1, NT_DISPATCH_LEVEL = 2, NT_IPI_LEVEL = 14, NT_HIGH_LEVEL = 15 };
enum { NT_KERNEL_MODE, NT_USER_MODE };

struct nt_list {
    struct nt_list *next, *previous;
};

struct nt_string {
    uint16_t bytes, capacity;
    uint16_t* text;
};

/* The head of everything that a thread can wait for. */
struct nt_dispatcher {
    uint8_t type;
    uint8_t flags[3];
    int32_t signalled;
    struct nt_list waiters;
};
enum {
    NT_EVENT_MANUAL = 0,
    NT_EVENT_AUTO = 1,
    NT_MUTEX = 2,
    NT_THREAD = 6,
    NT_TIMER_MANUAL = 8,
    NT_TIMER_AUTO = 9
};

struct nt_event {
    struct nt_dispatcher header;
};

struct nt_mutex {
    struct nt_dispatcher header;
    struct nt_list entry;
    void* owner;
    uint8_t abandoned, apc_disable;
};

struct nt_dpc {
    uint8_t type, importance;
    uint16_t target; /* NT_DPC_TARGETED + CPU, or 0: where it is queued */
    struct nt_list entry;
    void(NT_CALL* routine)(struct nt_dpc*, void*, void*, void*);
    void* context;
    void* arguments[2];
    void* queue; /* not NULL while it waits */
};
#define NT_DPC_TARGETED 0x800

struct nt_processor {
    uint16_t group;
    uint8_t number, reserved;
};

struct nt_timer {
    struct nt_dispatcher header;
    uint64_t due;
    struct nt_list entry;
    struct nt_dpc* dpc;
    uint32_t processor, period;
};

struct nt_mdl {
    struct nt_mdl* next;
    int16_t size, flags;
    void* process;
    void* system_va;
    void* start_va;
    uint32_t bytes, offset;
    uint64_t frames[];
};
enum {
    NT_MDL_MAPPED = 1,
    NT_MDL_PAGES_LOCKED = 2,
    NT_MDL_NONPAGED_POOL = 4,
    NT_MDL_PARTIAL = 0x10,
};

struct nt_affinity {
    uint64_t mask;
    uint16_t group, reserved[3];
};

struct nt_device;
struct nt_file;
struct nt_irp;
enum {
    NT_MAJOR_CREATE = 0,
    NT_MAJOR_CLOSE = 2,
    NT_MAJOR_DEVICE_CONTROL = 14,
    NT_MAJOR_SHUTDOWN = 16,
    NT_MAJOR_CLEANUP = 18
};
enum { NT_MAJORS = 28 };

struct nt_driver {
    int16_t type, size;
    struct nt_device* devices;
    uint32_t flags;
    void* start;
    uint32_t bytes;
    void* section;
    void* extension;
    struct nt_string name;
    struct nt_string* hardware;
    void *fast_io, *init, *start_io;
    void(NT_CALL* unload)(struct nt_driver*);
    int32_t(NT_CALL* major[NT_MAJORS])(struct nt_device*, struct nt_irp*);
};

struct nt_device {
    int16_t type;
    uint16_t size;
    int32_t references;
    struct nt_driver* driver;
    struct nt_device *next, *attached;
    struct nt_irp* current_irp;
    void* timer;
    uint32_t flags, characteristics;
    void* volume;
    void* extension;
    uint32_t device_type;
    int8_t stack_size;
    uint8_t rest[0x148 - 0x4d];
};
#define NT_DEVICE_INITIALIZING 0x80

struct nt_file {
    int16_t type, size;
    struct nt_device* device;
    void* volume;
    void* context[2];
    uint8_t rest[0xd8 - 0x28];
};

struct nt_irp {
    int16_t type;
    uint16_t size;
    struct nt_mdl* mdl;
    uint32_t flags;
    void* system_buffer;
    struct nt_list thread_entry;
    struct {
        int32_t status;
        uint64_t information;
    } result;
    uint8_t requestor_mode, pending_returned;
    int8_t stack_count, current_location;
    uint8_t cancel, cancel_irql, environment, allocation_flags;
    void* user_result;
    struct nt_event* user_event;
    void* overlay[2];
    void(NT_CALL* cancel_routine)(struct nt_device*, struct nt_irp*);
    void* user_buffer;
    void* driver_context[4];
    void* thread;
    void* auxiliary;
    struct nt_list list_entry;
    struct nt_io_stack* current_stack;
    struct nt_file* original_file;
    uint8_t rest[0xd0 - 0xc8];
};

struct nt_io_stack {
    uint8_t major, minor, flags, control;
    union {
        struct {
            uint32_t output_bytes __attribute__((aligned(8)));
            uint32_t input_bytes __attribute__((aligned(8)));
            uint32_t code __attribute__((aligned(8)));
            void* type3_input;
        } ioctl;
        void* words[4];
    } parameters;
    struct nt_device* device;
    struct nt_file* file;
    void* completion;
    void* completion_context;
};
#define NT_STACK_PENDING 1 /* control */

#endif
