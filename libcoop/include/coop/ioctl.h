/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The control ABI: what user space asks of the driver. The numbers are the payload of an ioctl on Linux
 * (/dev/coop) and of a DeviceIoControl on NT (\\.\coop); structures are fixed width, padded by hand, with no
 * pointers but those marked *_ptr.
 *
 * An open of the device controls at most one guest: create it, map its RAM, start and run its vCPUs. Closing
 * the last handle (or the process's death) ends the guest and returns its memory. Errors: the usual errno
 * values, named per request.
 */
#ifndef COOP_IOCTL_H
#define COOP_IOCTL_H

#include "coop/guest/abi.h"

#define COOP_IOCTL_MAJOR 1
#define COOP_IOCTL_MINOR 0
#define COOP_NAME_BYTES 64

enum coop_request {
    COOP_REQUEST_VERSION = 0,
    COOP_REQUEST_HOST = 1,
    COOP_REQUEST_CREATE = 2,
    COOP_REQUEST_EXTENTS = 3,
    COOP_REQUEST_START = 4,
    COOP_REQUEST_RUN = 5,
    COOP_REQUEST_NOTIFIER = 6,
    COOP_REQUEST_INTERRUPT = 7,
    COOP_REQUEST_STATS = 8,
    COOP_REQUEST_LOG = 9,
    COOP_REQUEST_EVENT = 10,
    COOP_REQUEST_END = 11,
    COOP_REQUEST_COUNT
};

/* VERSION (out): always allowed, layout frozen. User space refuses another ioctl_major. */
struct coop_version {
    coop_u32 ioctl_major;
    coop_u32 ioctl_minor;
    coop_u32 guest_abi_major;
    coop_u32 guest_abi_minor;
    char build[64]; /* NUL-terminated */
};

/* HOST (out): what this host can do, and what forbids guests. */
#define COOP_HOST_LA57 0x1 /* 5-level paging is on */
#define COOP_HOST_PCID 0x2
#define COOP_HOST_VMX_ON \
    0x4                    /* a hypervisor of the host uses VT-x (CR4.VMXE) or SVM (EFER.SVME): no obstacle */
#define COOP_HOST_FRED 0x8 /* FRED is on: guests refused */
#define COOP_HOST_CET 0x10 /* CR4.CET is on: switched off while a guest runs */
#define COOP_HOST_TSC_STABLE 0x20
#define COOP_HOST_SMEP 0x40
#define COOP_HOST_SMAP 0x80
#define COOP_HOST_NMI_KICK 0x100      /* a guest with interrupts off can be evicted */
#define COOP_HOST_MELTDOWN 0x200      /* guests should isolate their page tables */
#define COOP_HOST_NO_NX 0x400         /* EFER.NXE is off: guests refused */
#define COOP_HOST_VBS 0x800           /* NT's secure kernel approves what ring 0 executes: guests refused */
#define COOP_HOST_SHADOW_STACK 0x1000 /* ring 0 has CET's shadow stacks: guests refused */
#define COOP_HOST_ENCRYPTED 0x2000    /* memory is encrypted by page-table bits: guests refused */
struct coop_host_info {
    coop_u64 features; /* COOP_HOST_* */
    coop_u64 tsc_khz;
    coop_u64 ram_available; /* bytes, a hint */
    coop_u64 xcr0;
    coop_u32 cpus;
    coop_u32 guests;  /* that exist now */
    coop_u32 refusal; /* 0: guests can run; else the first COOP_HOST_* bit that forbids them */
    coop_u32 reserved;
};

/*
 * CREATE (in): takes the guest's RAM. runs[] are sizes of contiguous runs wanted (kernel, initrd, boot data),
 * each a multiple of 2 MiB, 0 for none; they are part of ram_bytes, which is a multiple of 2 MiB too. EEXIST:
 * name in use. ENOMEM: not that much memory. E2BIG: no contiguous run of that size. EOPNOTSUPP: more vCPUs
 * than this driver runs, or a host it cannot run them beside. EBUSY: this handle has a guest already, or the
 * host is about to sleep. EINTR: a signal came first; nothing is kept.
 */
#define COOP_CREATE_RUNS 4
struct coop_create {
    char name[COOP_NAME_BYTES]; /* NUL-terminated, [A-Za-z0-9._-]+ */
    coop_u64 ram_bytes;
    coop_u64 runs[COOP_CREATE_RUNS];
    coop_u32 vcpus; /* 1 … COOP_MAX_VCPUS */
    coop_u32 reserved;
};

/*
 * EXTENTS (in/out): the guest's RAM, sorted by gpa. User space gives an array; count returns how many there
 * are (all copied if capacity sufficed). mmap of the handle at map_offset … + size shows the extent; RAM is
 * dense in map offsets. run: index into coop_create.runs that this extent was taken for, or
 * COOP_EXTENT_PLAIN; an extent holds one run at most.
 */
#define COOP_EXTENT_PLAIN 0xffffffff
struct coop_extent {
    coop_u64 gpa;
    coop_u64 size;
    coop_u64 map_offset;
    coop_u32 run;
    coop_u32 reserved;
};
struct coop_extents {
    coop_u64 array_ptr; /* struct coop_extent[capacity] */
    coop_u32 capacity;
    coop_u32 count;
};

/* START (in): makes vCPU 0 ready to enter at entry_gpa with %rsi = boot_params_gpa. The shared area must be
 * complete. EBUSY: the guest is started already. */
struct coop_start {
    coop_u64 entry_gpa;
    coop_u64 boot_params_gpa;
    coop_u64 shared_gpa; /* struct coop_shared, inside one extent */
};

/*
 * RUN (in/out): lends the calling thread to a vCPU until the guest ends or the thread has a signal (EINTR).
 * One thread per vCPU. EINVAL: the guest is not started, or has no such vCPU. EBUSY: another thread runs the
 * vCPU.
 */
struct coop_run {
    coop_u32 vcpu;
    coop_u32 end;     /* out: COOP_END_* */
    coop_u64 detail;  /* out: exception vector, or what END's reason carries */
    coop_u64 rip;     /* out: where the guest was; 0 if its end came from outside */
    coop_u64 address; /* out: CR2 for page faults */
};

/* NOTIFIER (in): which host event (eventfd, event handle) a doorbell for device and queue signals; -1 removes
 * it. EBUSY: the guest is started. */
struct coop_notifier_request {
    coop_u32 device; /* COOP_NOTIFY_LOG: signalled when the guest's log grows */
    coop_u32 queue;  /* < COOP_MAX_QUEUES or COOP_QUEUE_CONFIG */
    coop_u64 handle;
};
#define COOP_NOTIFY_LOG 0xffffffff

/* INTERRUPT (in): device raises its interrupt; the bits in coop_device_page.interrupts are set before. */
struct coop_interrupt {
    coop_u32 device;
    coop_u32 reserved;
};

/* STATS (out). */
struct coop_stats {
    coop_u64 switches;             /* world switches into the guest */
    coop_u64 doorbells[16];        /* by COOP_DOORBELL_* */
    coop_u64 interrupts_forwarded; /* host interrupts taken while the guest ran */
    coop_u64 nmis_forwarded;
    coop_u64 machine_checks_forwarded;
    coop_u64 entries_aborted; /* entries given up for an NMI or #MC in the last instructions */
    coop_u64 events_injected;
    coop_u64 self_interrupts;
    coop_u64 guest_ns; /* time inside the guest */
    coop_u64 wait_ns;  /* time idle in WAIT */
    coop_u64 ram_bytes;
    coop_u64 frames_owned; /* by the ledger: 4 KiB frames of RAM, tables and passages */
};

/* LOG (in/out): bytes the guest wrote by COOP_DOORBELL_LOG, from position on; the ring keeps the newest 64
 * KiB. */
struct coop_log {
    coop_u64 position; /* in: first byte wanted; out: position after the last byte returned (older ones may be
                          lost) */
    coop_u64 data_ptr;
    coop_u32 capacity;
    coop_u32 count; /* out */
};

/* EVENT (in): raise COOP_EVENT_POWER_BUTTON; other bits are refused. */
struct coop_event {
    coop_u64 bits;
};

/* END (in): end the guest now; RUN returns with this reason. EINVAL: another reason than COOP_END_KILLED. */
struct coop_end {
    coop_u32 reason; /* COOP_END_KILLED: all others are the guest's or the monitor's to give */
    coop_u32 reserved;
};

/* The structure of any request, for who handles them all alike. Not part of the ABI: it grows with them. */
union coop_payload {
    struct coop_version version;
    struct coop_host_info host;
    struct coop_create create;
    struct coop_extents extents;
    struct coop_start start;
    struct coop_run run;
    struct coop_notifier_request notifier;
    struct coop_interrupt interrupt;
    struct coop_stats stats;
    struct coop_log log;
    struct coop_event event;
    struct coop_end end;
};

COOP_STATIC_ASSERT(sizeof(struct coop_version) == 80);
COOP_STATIC_ASSERT(sizeof(struct coop_host_info) == 48);
COOP_STATIC_ASSERT(sizeof(struct coop_create) == 112);
COOP_STATIC_ASSERT(sizeof(struct coop_extent) == 32);
COOP_STATIC_ASSERT(sizeof(struct coop_extents) == 16);
COOP_STATIC_ASSERT(sizeof(struct coop_start) == 24);
COOP_STATIC_ASSERT(sizeof(struct coop_run) == 32);
COOP_STATIC_ASSERT(sizeof(struct coop_notifier_request) == 16);
COOP_STATIC_ASSERT(sizeof(struct coop_interrupt) == 8);
COOP_STATIC_ASSERT(sizeof(struct coop_stats) == 27ull * 8);
COOP_STATIC_ASSERT(sizeof(struct coop_log) == 24);
COOP_STATIC_ASSERT(sizeof(struct coop_event) == 8);
COOP_STATIC_ASSERT(sizeof(struct coop_end) == 8);

/* Linux encodes a request as _IOC(_IOC_READ|_IOC_WRITE, COOP_IOCTL_TYPE, request, sizeof the structure). */
#define COOP_IOCTL_TYPE 0xC0

#endif
