/* SPDX-License-Identifier: GPL-2.0-only */
/* What the shim's files share among themselves. */
#ifndef COOP_NT_SHIM_H
#define COOP_NT_SHIM_H

#include "nt.h"

#include "coop/core.h"
#include "coop/ioctl_nt.h"

#define COOP_POOL_TAG 'pooC' /* reads Coop in a dump */
#define COOP_PAGE_BYTES 4096
#define COOP_MIB (1024ull * 1024)
#define COOP_RUN_BYTES (2 * COOP_MIB) /* runs of guest RAM are multiples, aligned to it */
#define COOP_NS_PER_MS 1000000ull
#define COOP_UNITS_PER_MS 10000 /* of NT's time, 100 ns each */

#define coop_log(format, ...) DbgPrint("coop: " format "\n", ##__VA_ARGS__)

/* An open handle of \Device\coop. guest is set once, by CREATE, and read without a lock: it lives until the
 * file object is closed. */
struct coop_handle {
    volatile LONG claimed; /* by a CREATE that is under way or was successful */
    volatile LONG closed;  /* no handle is left: requests that arrive still, end */
    struct coop_guest* guest;
    LIST_ENTRY admitted; /* lifecycle.c */
};
static inline struct coop_handle* coop_handle_of(PFILE_OBJECT file) {
    return file->FsContext;
}

/* device.c */
NTSTATUS coop_device_create(PDRIVER_OBJECT driver);
void coop_device_delete(PDRIVER_OBJECT driver);

/* requests.c. Completes the IRP, or leaves it pending, and returns its status. Context: the caller's thread.
 */
NTSTATUS coop_request(struct coop_handle* handle, PIRP irp);

/* status.c. The IRP is done; returns its status. Context: up to DISPATCH_LEVEL. */
NTSTATUS coop_complete(PIRP irp, NTSTATUS status, ULONG_PTR bytes);
/* The NTSTATUS that coop/ioctl_nt.h promises for 0 or a negative COOP_E_*. */
NTSTATUS coop_status(int result);

/*
 * call.c. A request that can last. Its thread should return to user space once the IRP is cancelled or its
 * file object is cleaned up. begin returns NULL without memory; irp and file may be NULL. Owner: caller, end,
 * on the same thread. Context: may sleep.
 */
struct coop_call {
    LIST_ENTRY link;
    PETHREAD thread;
    PIRP irp;
    PFILE_OBJECT file;
    KEVENT interrupted;
};
void coop_call_load(void);
struct coop_call* coop_call_begin(PIRP irp, PFILE_OBJECT file);
void coop_call_end(struct coop_call* call);
/* The calling thread's, or NULL. Context: any but a critical section. */
struct coop_call* coop_call_current(void);
/* Context: up to DISPATCH_LEVEL. */
void coop_call_interrupt(struct coop_call* call);
void coop_call_interrupt_file(PFILE_OBJECT file);

/* cpu.c */
int coop_cpu_load(void);
void coop_cpu_unload(void);
/* Every guest leaves soon. Context: any. */
void coop_cpu_kick_all(void);
/* Queues the DPC. Context: any, also inside a critical section with a guest's vector registers loaded. */
void coop_cpu_insert_dpc(PKDPC dpc);
static inline void coop_cpu_disable(void) {
    __asm__ volatile("cli" ::: "memory");
}
static inline void coop_cpu_enable(void) {
    __asm__ volatile("sti" ::: "memory");
}
/* Whether interrupts are off: inside a critical section, or in a timer's callback. */
static inline bool coop_cpu_interrupts_off(void) {
    return !(__builtin_ia32_readeflags_u64() & 0x200);
}

/* vectors.S. Calls function(argument); all vector registers are as before. Context: any. */
void coop_keep_vectors(void (*function)(void* argument), void* argument);

/* guard.S. function(argument), or STATUS_UNHANDLED_EXCEPTION if it raised one. */
NTSTATUS coop_guard(NTSTATUS (*function)(void* argument), void* argument);

/* thread.c. While held, no vCPU's thread enters its guest. Context: load: may sleep; hold: any. */
void coop_thread_load(void);
void coop_thread_hold(bool hold);

/* frames.c. The MDL of a run and where it begins. Context: may sleep. Fails: NULL. Owner: caller, give. */
PMDL coop_frames_take(uint64_t bytes, uint64_t* phys);
void coop_frames_give(PMDL mdl);

/*
 * ram.c. The one run that begins at this address: shown to the calling process. Context: may sleep. Fails:
 * NULL. Owner: caller, coop_ram_unmap in the same process before the run is freed.
 */
void coop_ram_load(void);
void* coop_ram_map(uint64_t phys, uint64_t* bytes);
void coop_ram_unmap(uint64_t phys, void* address);
/* Whether a run of a guest's has a byte of the range. Context: any. */
bool coop_ram_has(uint64_t phys, uint64_t bytes);

/*
 * mapping.c. Which process sees which run, on behalf of a handle. Context: may sleep. watch: the ends of
 * processes, while guests are possible. add returns 0 or a negative COOP_E_*; remove is for the handle's end,
 * and may be called again.
 */
void coop_mapping_load(void);
NTSTATUS coop_mapping_watch(bool watch);
int coop_mapping_add(struct coop_handle* handle, uint64_t phys, struct coop_nt_map* map);
void coop_mapping_remove(struct coop_handle* handle);

/* notifier.c. The event behind a handle of the calling process. Owner: caller, coop_host_notifier_release. */
NTSTATUS coop_notifier_open(uint64_t handle, struct coop_host_notifier** notifier);

/* notice.c. Requests that pend until the host sleeps or shuts down. Context: up to DISPATCH_LEVEL; tell
 * with 0 means that nothing is ahead any more. */
void coop_notice_load(void);
NTSTATUS coop_notice_wait(PIRP irp);
void coop_notice_tell(ULONG event);
void coop_notice_cancel(PFILE_OBJECT file);

/* watchdog.c. Context: may sleep; start and stop take turns. */
int coop_watchdog_start(void);
void coop_watchdog_stop(void);

/*
 * lifecycle.c. A handle is admitted before its guest is created, and dismissed before the guest is destroyed,
 * when no thread runs it. admit fails with -COOP_E_BUSY while the host is about to sleep or to shut down.
 * Context: may sleep.
 */
int coop_lifecycle_admit(struct coop_handle* handle);
void coop_lifecycle_dismiss(struct coop_handle* handle);
/* A thread enters and leaves coop_guest_run; enter returns false once the host shuts down. */
bool coop_lifecycle_run_enter(void);
void coop_lifecycle_run_leave(void);
/* IRP_MJ_SHUTDOWN: ends all guests and waits a moment for their threads. Context: may sleep. */
void coop_lifecycle_shutdown(void);
/* Ends all guests. Context: up to DISPATCH_LEVEL. */
void coop_lifecycle_end_all(void);

/* power.c. sleeping: the machine is about to sleep, or does. Context: load, unload: may sleep; sleeping: any.
 */
NTSTATUS coop_power_load(void);
void coop_power_unload(void);
bool coop_power_sleeping(void);

/* host.c. What only the host knows. Context: may sleep, for a quarter of a second. */
NTSTATUS coop_host_describe(struct coop_core_config* config);
/* settings.c. A number of the service's key in the registry, or the default. */
ULONG coop_setting(PUNICODE_STRING key, const wchar_t* name, ULONG otherwise);

/* --- What Windows and ReactOS do differently: hosts/windows and hosts/reactos --- */

/* processors.c. CPU numbers are below count. aim: the DPC will run on that CPU; false if there is none such.
 */
uint32_t coop_processor_count(void);
uint32_t coop_processor_current(void);
bool coop_processor_aim(PKDPC dpc, uint32_t cpu);

/* nmi.c. possible: coop_host_kick_nmi will work once it is loaded. */
bool coop_nmi_possible(void);
int coop_nmi_load(void);
void coop_nmi_unload(void);

/* clock.c. The TSC's rate, measured; 0 if the two clocks do not go. Context: may sleep. */
uint64_t coop_clock_tsc_khz(void);

/* alarm.c. A one-shot timer of the host's, set in units of 100 ns from now, at least 1; the callback is a
 * DPC, and may come early. destroy waits for a callback under way. Context: create, destroy: may sleep; set:
 * up to DISPATCH_LEVEL. */
struct coop_alarm;
struct coop_alarm* coop_alarm_create(void (*callback)(void* context), void* context);
void coop_alarm_destroy(struct coop_alarm* alarm);
void coop_alarm_set(struct coop_alarm* alarm, uint64_t units);

#endif
