// SPDX-License-Identifier: GPL-2.0-only
/*
 * The driver's life and the host's: load and unload, shutdown.
 *
 * NT does not unload a driver while handles are open. Where guests cannot run, the driver loads all the same
 * and tells why; only what guests need is left out. A shutdown ends all guests and waits a moment for their
 * threads to leave. Nobody can refuse sleep on NT: no thread enters its guest meanwhile; and if the TSC began
 * anew, which is the guests' clock, they end.
 */
#include "shim.h"

#define LEAVE_LIMIT_MS 2000
#define LEAVE_POLL_MS 10
#define STUCK_LIMIT_MS 10000
#define LEAST_STUCK_LIMIT_MS 100

static KMUTEX admission;
static LIST_ENTRY handles;
static KSPIN_LOCK handles_lock; /* taken inside admission, or alone to read */
static bool guests_possible;
static volatile LONG shutting_down;
static volatile LONG running; /* threads inside coop_guest_run */

static void acquire(void) {
    KeWaitForSingleObject(&admission, Executive, KernelMode, FALSE, NULL);
}

static void release(void) {
    KeReleaseMutex(&admission, FALSE);
}

static void insert(struct coop_handle* handle) {
    KIRQL irql;

    KeAcquireSpinLock(&handles_lock, &irql);
    InsertTailList(&handles, &handle->admitted);
    KeReleaseSpinLock(&handles_lock, irql);
}

static void remove(struct coop_handle* handle) {
    KIRQL irql;

    KeAcquireSpinLock(&handles_lock, &irql);
    RemoveEntryList(&handle->admitted);
    KeReleaseSpinLock(&handles_lock, irql);
}

int coop_lifecycle_admit(struct coop_handle* handle) {
    int error = 0;

    if (!guests_possible) {
        return -COOP_E_NOT_SUPPORTED;
    }
    acquire();
    if (coop_power_sleeping() || shutting_down) {
        error = -COOP_E_BUSY;
    } else if (IsListEmpty(&handles)) {
        error = coop_watchdog_start();
    }
    if (!error) {
        insert(handle);
    }
    release();
    return error;
}

void coop_lifecycle_dismiss(struct coop_handle* handle) {
    acquire();
    remove(handle);
    if (IsListEmpty(&handles)) {
        coop_watchdog_stop();
    }
    release();
}

bool coop_lifecycle_run_enter(void) {
    /* A full barrier: either shutdown() counts this thread, or the thread sees that it comes too late. */
    InterlockedIncrement(&running);
    if (shutting_down) {
        InterlockedDecrement(&running);
        return false;
    }
    return true;
}

void coop_lifecycle_run_leave(void) {
    InterlockedDecrement(&running);
}

void coop_lifecycle_end_all(void) {
    LIST_ENTRY* entry;
    KIRQL irql;

    KeAcquireSpinLock(&handles_lock, &irql);
    for (entry = handles.Flink; entry != &handles; entry = entry->Flink) {
        struct coop_handle* handle = CONTAINING_RECORD(entry, struct coop_handle, admitted);
        struct coop_guest* guest = __atomic_load_n(&handle->guest, __ATOMIC_ACQUIRE);

        if (guest) {
            coop_guest_end(guest, COOP_END_KILLED);
        }
    }
    KeReleaseSpinLock(&handles_lock, irql);
}

void coop_lifecycle_shutdown(void) {
    LARGE_INTEGER pause = {.QuadPart = -LEAVE_POLL_MS * COOP_UNITS_PER_MS};
    unsigned int waited;

    InterlockedExchange(&shutting_down, 1);
    coop_notice_tell(COOP_NT_HOST_SHUTS_DOWN);
    coop_lifecycle_end_all();
    coop_thread_hold(false); /* NT may have announced it like a sleep */
    for (waited = 0; running && waited < LEAVE_LIMIT_MS; waited += LEAVE_POLL_MS) {
        KeDelayExecutionThread(KernelMode, FALSE, &pause);
    }
    if (running) {
        coop_log("%ld vCPU threads did not leave their guests within %d ms", running, LEAVE_LIMIT_MS);
    }
}

/* What guests need and no other request. */
static NTSTATUS guests_load(bool nmi_kick) {
    NTSTATUS status = coop_status(coop_cpu_load());

    if (!NT_SUCCESS(status)) {
        return status;
    }
    status = nmi_kick ? coop_status(coop_nmi_load()) : STATUS_SUCCESS;
    if (!NT_SUCCESS(status)) {
        goto unload_cpu;
    }
    status = coop_mapping_watch(true);
    if (!NT_SUCCESS(status)) {
        goto unload_nmi;
    }
    status = coop_power_load();
    if (!NT_SUCCESS(status)) {
        goto unload_mapping;
    }
    guests_possible = true;
    return STATUS_SUCCESS;

unload_mapping:
    coop_mapping_watch(false);
unload_nmi:
    if (nmi_kick) {
        coop_nmi_unload();
    }
unload_cpu:
    coop_cpu_unload();
    return status;
}

static void guests_unload(bool nmi_kick) {
    guests_possible = false;
    coop_power_unload();
    coop_mapping_watch(false);
    if (nmi_kick) {
        coop_nmi_unload();
    }
    coop_cpu_unload();
}

static bool nmi_kick;

static NTSTATUS core_load(PUNICODE_STRING registry) {
    struct coop_core_config config = {0};
    struct coop_host_info info;
    ULONG stuck_limit_ms = coop_setting(registry, L"StuckLimitMs", STUCK_LIMIT_MS);
    NTSTATUS status;

    if (stuck_limit_ms < LEAST_STUCK_LIMIT_MS) {
        coop_log("StuckLimitMs=%lu is below %d", stuck_limit_ms, LEAST_STUCK_LIMIT_MS);
        return STATUS_INVALID_PARAMETER;
    }
    config.stuck_limit_ns = stuck_limit_ms * COOP_NS_PER_MS;
    status = coop_host_describe(&config);
    if (!NT_SUCCESS(status)) {
        return status;
    }
    nmi_kick = config.features & COOP_HOST_NMI_KICK;
    status = coop_status(coop_core_load(&config));
    if (!NT_SUCCESS(status)) {
        return status;
    }
    coop_core_host_info(&info);
    if (info.refusal) {
        coop_log("guests cannot run on this host: it has feature 0x%x (coopctl doctor tells)", info.refusal);
    } else {
        status = guests_load(nmi_kick);
        if (!NT_SUCCESS(status)) {
            coop_core_unload();
        }
    }
    return status;
}

static void core_unload(void) {
    if (guests_possible) {
        guests_unload(nmi_kick);
    }
    coop_core_unload();
}

static VOID NTAPI unload(PDRIVER_OBJECT driver) {
    coop_device_delete(driver);
    core_unload();
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registry);

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registry) {
    NTSTATUS status;

    KeInitializeMutex(&admission, 0);
    InitializeListHead(&handles);
    KeInitializeSpinLock(&handles_lock);
    coop_call_load();
    coop_thread_load();
    coop_ram_load();
    coop_notice_load();
    coop_mapping_load();

    status = core_load(registry);
    if (!NT_SUCCESS(status)) {
        return status;
    }
    status = coop_device_create(driver);
    if (!NT_SUCCESS(status)) {
        core_unload();
        return status;
    }
    driver->DriverUnload = unload;
    coop_log("libcoop %s, control ABI %d.%d, guest ABI %d.%d", COOP_BUILD, COOP_IOCTL_MAJOR, COOP_IOCTL_MINOR,
             COOP_ABI_MAJOR, COOP_ABI_MINOR);
    return STATUS_SUCCESS;
}
