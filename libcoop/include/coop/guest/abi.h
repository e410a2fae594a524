/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest ABI: everything that the guest kernel and the monitor share.
 *
 * Included by the core (C++), by assembly, by the per-guest process and by the guest kernel (C and assembly).
 * Fixed widths, no pointers, little endian. Addresses named *_gpa are guest-physical, which equal
 * host-physical; *_va are virtual in the guest. A change that an old guest or monitor would misread raises
 * COOP_ABI_MAJOR; an addition raises COOP_ABI_MINOR.
 */
#ifndef COOP_GUEST_ABI_H
#define COOP_GUEST_ABI_H

#define COOP_ABI_MAJOR 1
#define COOP_ABI_MINOR 0

/*
 * The guest kernel declares itself by an ELF note (name COOP_NOTE_NAME, type COOP_NOTE_TYPE_BOOT, contents
 * struct coop_boot_note). An image without the note, or with another major version, is refused before any
 * memory is taken.
 */
#define COOP_NOTE_NAME "Coop"
#define COOP_NOTE_TYPE_BOOT 0x434f

/*
 * The passage: the monitor's switch code and this guest's per-vCPU switch data, mapped by the monitor's own
 * page tables at one fixed place of the guest's kernel half (the 444 GiB hole below the EFI region,
 * Documentation/arch/x86/x86_64/mm.rst). The guest maps it all by storing one page-directory-pointer entry,
 * given to it in %rdi at entry, at index COOP_PASSAGE_PUD_INDEX of the table that covers the top 512 GiB. The
 * same holds for 4- and 5-level paging.
 */
#define COOP_PASSAGE_PUD_INDEX 256
#define COOP_PASSAGE_VA 0xffffffc000000000
/* Code, at COOP_PASSAGE_VA + offset. */
#define COOP_PASSAGE_DOORBELL 0x0000 /* the doorbell, see below */
#define COOP_PASSAGE_STUBS \
    0x1000 /* 256 gate targets, 16 bytes apart: NMI, #MC and vectors 0x20–0xff of the guest's IDT */
#define COOP_PASSAGE_STUB_STRIDE 16
/* Data of vCPU n, at COOP_PASSAGE_VA + COOP_PASSAGE_VCPU_STRIDE * (n + 1). */
#define COOP_PASSAGE_VCPU_STRIDE 0x200000
/* Interrupt-stack tops inside a vCPU's data; the guest stores them in its TSS under the hardware IST numbers
 * below. */
#define COOP_PASSAGE_INTERRUPT_STACK_TOP 0x37f0
#define COOP_PASSAGE_NMI_STACK_TOP 0x3bf0
#define COOP_PASSAGE_MCE_STACK_TOP 0x3ff0
#define COOP_IST_NMI 2
#define COOP_IST_MCE 4
#define COOP_IST_INTERRUPT 6

/*
 * The doorbell: uint64_t doorbell(vcpu_data_va, reason, arg0, arg1, arg2), SysV calling convention, called in
 * ring 0 on the kernel's page tables with RFLAGS.IF clear. Returns when the monitor resumes the vCPU; 0 or a
 * negative errno value. From then on, as when an event arrives, CS is 0x10 and SS 0x18: the guest's GDT has
 * its flat kernel segments there.
 */
#define COOP_DOORBELL_WAIT 1   /* idle: return once an event is pending; the guest looks by itself */
#define COOP_DOORBELL_TIMER 2  /* arg0: TSC value at which to raise COOP_EVENT_TIMER; 0 disarms */
#define COOP_DOORBELL_NOTIFY 3 /* arg0: device, arg1: queue or COOP_QUEUE_CONFIG */
#define COOP_DOORBELL_YIELD 4  /* let the host run other threads */
#define COOP_DOORBELL_LOG 5    /* arg0: number of bytes in coop_vcpu_page.log to append to the guest's log */
#define COOP_DOORBELL_END 6    /* arg0: COOP_END_*; does not return */
#define COOP_DOORBELL_START 7  /* arg0: vCPU, arg1: entry VA, arg2: CR3 to start with */
#define COOP_DOORBELL_SEND 8   /* arg0: vCPU, arg1: COOP_EVENT_* bits to raise there */

/* Why a guest ended (COOP_DOORBELL_END, and what the run call reports). */
#define COOP_END_POWEROFF 1
#define COOP_END_REBOOT 2
#define COOP_END_HALT 3
#define COOP_END_PANIC 4
/* Found by the monitor, never sent by a guest. */
#define COOP_END_KILLED 16
#define COOP_END_STUCK 17     /* interrupts off longer than the limit */
#define COOP_END_EXCEPTION 18 /* exception before the guest had handlers */
#define COOP_END_BAD_STATE 19 /* the guest's saved state cannot be entered */

/* Bits of coop_vcpu_page.pending. */
#define COOP_EVENT_TIMER 0x1
#define COOP_EVENT_DEVICE 0x2     /* see coop_vcpu_page.devices */
#define COOP_EVENT_RESCHEDULE 0x4 /* inter-processor: reschedule */
#define COOP_EVENT_CALL 0x8       /* inter-processor: call a function */
#define COOP_EVENT_CALL_SINGLE 0x10
#define COOP_EVENT_STOP 0x20
#define COOP_EVENT_POWER_BUTTON 0x40 /* the host asks for an orderly shutdown */

#define COOP_MAX_VCPUS 64
#define COOP_MAX_DEVICES 64
#define COOP_MAX_QUEUES 16
#define COOP_QUEUE_CONFIG \
    0xffff /* a "queue" for COOP_DOORBELL_NOTIFY: a write to the device's common fields */
#define COOP_LOG_BYTES 2048
/* What the guest kernel can take of memory maps: entries (one is the first mebibyte), and bits of an address.
 */
#define COOP_MAX_E820_ENTRIES 4096
#define COOP_PHYSICAL_BITS 46

#ifndef __ASSEMBLER__

#ifdef __KERNEL__
#include <linux/types.h>
typedef __u8 coop_u8;
typedef __u16 coop_u16;
typedef __u32 coop_u32;
typedef __u64 coop_u64;
#else
#include <stdint.h>
typedef uint8_t coop_u8;
typedef uint16_t coop_u16;
typedef uint32_t coop_u32;
typedef uint64_t coop_u64;
#endif

struct coop_boot_note {
    coop_u32 abi_major;
    coop_u32 abi_minor;
    coop_u64 entry_va; /* link-time address of the 64-bit entry point */
};

/*
 * The shared area: one physically contiguous run of the guest's RAM, given by a setup_data node of type
 * COOP_SETUP_DATA_TYPE whose payload is this header, followed at the offsets it names by vCPU pages and
 * device pages. The header is filled by the per-guest process before entry, and read-only for the guest.
 */
#define COOP_SETUP_DATA_TYPE 0x434f4f50
#define COOP_SHARED_MAGIC 0x31706f6f43ull
struct coop_shared {
    coop_u64 magic;
    coop_u32 abi_major;
    coop_u32 abi_minor;
    coop_u32 size; /* bytes, header included */
    coop_u32 vcpus;
    coop_u32
        vcpu_offset;  /* of the first struct coop_vcpu_page, from this header; pages are 4096 bytes apart */
    coop_u32 devices; /* number of device pages */
    coop_u32 device_offset; /* of the first struct coop_device_page; pages are 4096 bytes apart */
    coop_u32 flags;         /* COOP_SHARED_* */
    coop_u64 tsc_khz;
    coop_u64 wall_ns;  /* UTC nanoseconds since 1970 … */
    coop_u64 wall_tsc; /* … at this TSC value */
};
#define COOP_SHARED_TSC_STABLE 0x1 /* the TSC is invariant and synchronous on all CPUs */

/* One per vCPU, in the guest's RAM. Guest and monitor write it at the same time: use atomic operations on
 * pending and devices. */
struct coop_vcpu_page {
    coop_u64 pending;        /* COOP_EVENT_*; set by the monitor, taken (exchanged with 0) by the guest */
    coop_u64 devices;        /* bit n: device n has queue or config interrupts; likewise */
    coop_u64 upcall_va;      /* guest: where an event interrupts; 0 while it cannot take one */
    coop_u64 entry_stack_va; /* guest: TSS.RSP0, the stack for an event taken in user mode */
    coop_u64 steal_ns;       /* monitor: time this vCPU was ready but did not run */
    coop_u64 reserved[3];
    coop_u8 log[COOP_LOG_BYTES];
};

/* A virtio device (virtio 1.2, split rings). Ring addresses are guest-physical. */
struct coop_queue {
    coop_u16 size_max; /* device: largest size, a power of two; 0: no such queue */
    coop_u16 size;     /* driver: chosen size */
    coop_u32 enabled;  /* driver: 1 once the addresses below are valid */
    coop_u64 desc_gpa;
    coop_u64 driver_gpa; /* available ring */
    coop_u64 device_gpa; /* used ring */
};
struct coop_device_page {
    coop_u32 device_id; /* virtio device type (virtio 1.2, section 5); 0: none */
    coop_u32 queues;    /* number of queues */
    coop_u64 device_features;
    coop_u64 driver_features; /* driver, before FEATURES_OK */
    coop_u32 status;          /* driver writes (virtio 1.2, 2.1), then rings COOP_QUEUE_CONFIG … */
    coop_u32 status_seen; /* … the device answers here: the status it has acted on, FEATURES_OK removed if it
                             refuses */
    coop_u32 command; /* driver: raised by one with each write to status, once command_seen has caught up */
    coop_u32 command_seen; /* device: the last command acted on */
    coop_u32
        config_generation; /* device: raised by one before and after a change of config, so odd meanwhile */
    coop_u32 config_size;  /* bytes valid in config */
    coop_u64 interrupts;   /* bit n: queue n; bit 63: config change. Device sets, driver exchanges with 0 */
    coop_u64 reserved;
    struct coop_queue queue[COOP_MAX_QUEUES];
    coop_u8 config[1024];
};
#define COOP_DEVICE_CONFIG_INTERRUPT 63

#ifdef __cplusplus
#define COOP_STATIC_ASSERT(condition) static_assert(condition, #condition)
#else
#define COOP_STATIC_ASSERT(condition) _Static_assert(condition, #condition)
#endif
COOP_STATIC_ASSERT(sizeof(struct coop_boot_note) == 16);
COOP_STATIC_ASSERT(sizeof(struct coop_shared) == 64);
COOP_STATIC_ASSERT(sizeof(struct coop_vcpu_page) == 64 + COOP_LOG_BYTES);
COOP_STATIC_ASSERT(sizeof(struct coop_queue) == 32);
COOP_STATIC_ASSERT(sizeof(struct coop_device_page) == 64 + 32 * COOP_MAX_QUEUES + 1024);
COOP_STATIC_ASSERT(sizeof(struct coop_device_page) <= 4096);

#endif /* __ASSEMBLER__ */
#endif
