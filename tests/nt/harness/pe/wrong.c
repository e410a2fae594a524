// SPDX-License-Identifier: GPL-2.0-only
/*
 * coop_wrong.sys: a driver that does what must not be, once each, so that a test sees the double complain.
 * What it uses otherwise, it uses rightly: events, DPCs and waits of the double are asked here, too.
 */
#include "shim.h"

#define TAG 'gnrW'
#define UNITS_PER_MS 10000

#define CHECK(condition)                                      \
    do {                                                      \
        if (!(condition)) {                                   \
            DbgPrint("wrong:%d: %s\n", __LINE__, #condition); \
            return STATUS_UNSUCCESSFUL;                       \
        }                                                     \
    } while (0)

static NTSTATUS wait(PVOID object, LONGLONG milliseconds) {
    LARGE_INTEGER timeout = {.QuadPart = -milliseconds * UNITS_PER_MS};

    return KeWaitForSingleObject(object, Executive, KernelMode, FALSE, &timeout);
}

static NTSTATUS events(void) {
    KEVENT once, always;

    KeInitializeEvent(&once, SynchronizationEvent, TRUE);
    KeInitializeEvent(&always, NotificationEvent, TRUE);
    CHECK(wait(&once, 0) == STATUS_SUCCESS);
    CHECK(wait(&once, 0) == STATUS_TIMEOUT);
    CHECK(wait(&once, 5) == STATUS_TIMEOUT);
    CHECK(wait(&always, 0) == STATUS_SUCCESS);
    CHECK(wait(&always, 0) == STATUS_SUCCESS);
    CHECK(KeResetEvent(&always) == 1);
    CHECK(wait(&always, 0) == STATUS_TIMEOUT);
    CHECK(KeSetEvent(&once, 0, FALSE) == 0);
    CHECK(KeReadStateEvent(&once) == 1);
    return STATUS_SUCCESS;
}

struct call {
    KDPC dpc;
    KEVENT done;
    KIRQL level;
    ULONG cpu;
    LONG count;
};

static VOID NTAPI be_called(PKDPC dpc, PVOID context, PVOID first, PVOID second) {
    struct call* call = context;

    UNREFERENCED_PARAMETER(dpc);
    UNREFERENCED_PARAMETER(first);
    UNREFERENCED_PARAMETER(second);
    call->level = (KIRQL)__readcr8();
    call->cpu = KeGetCurrentProcessorNumberEx(NULL);
    InterlockedIncrement(&call->count);
    KeSetEvent(&call->done, 0, FALSE);
}

static NTSTATUS dpcs(void) {
    ULONG cpus = KeQueryMaximumProcessorCountEx(ALL_PROCESSOR_GROUPS), cpu;

    for (cpu = 0; cpu < cpus; cpu++) {
        struct call call = {.level = 0};
        PROCESSOR_NUMBER number;
        BOOLEAN fresh, again;

        KeInitializeDpc(&call.dpc, be_called, &call);
        KeInitializeEvent(&call.done, SynchronizationEvent, FALSE);
        KeSetImportanceDpc(&call.dpc, HighImportance);
        CHECK(NT_SUCCESS(KeGetProcessorNumberFromIndex(cpu, &number)));
        CHECK(NT_SUCCESS(KeSetTargetProcessorDpcEx(&call.dpc, &number)));
        coop_cpu_disable();
        fresh = KeInsertQueueDpc(&call.dpc, NULL, NULL);
        again = cpu == KeGetCurrentProcessorNumberEx(NULL) && KeInsertQueueDpc(&call.dpc, NULL, NULL);
        coop_cpu_enable();
        CHECK(fresh && !again);
        CHECK(wait(&call.done, 10000) == STATUS_SUCCESS);
        KeFlushQueuedDpcs();
        CHECK(call.level == DISPATCH_LEVEL && call.cpu == cpu && call.count == 1);
    }
    return STATUS_SUCCESS;
}

/* Inlined by the compiler's headers; what counts is CR8. */
static void raised(void (*function)(void)) {
    __writecr8(DISPATCH_LEVEL);
    function();
    __writecr8(PASSIVE_LEVEL);
}

static void wait_raised(void) {
    KEVENT event;

    KeInitializeEvent(&event, SynchronizationEvent, FALSE);
    wait(&event, 1);
}

NTKERNELAPI PVOID NTAPI MmAllocateContiguousNodeMemory(SIZE_T bytes, PHYSICAL_ADDRESS least,
                                                       PHYSICAL_ADDRESS last, PHYSICAL_ADDRESS boundary,
                                                       ULONG protection, ULONG node);

static KTIMER kept_timer;

static void do_wrong(void) {
    PHYSICAL_ADDRESS none = {.QuadPart = 0}, all = {.QuadPart = MAXLONG64}, piece = {.QuadPart = 2 << 20};
    LARGE_INTEGER hour = {.QuadPart = -3600ll * 1000 * UNITS_PER_MS};
    PUCHAR overrun = ExAllocatePoolWithTag(NonPagedPoolNx, 100, TAG);

    raised(wait_raised);
    overrun[112] = 1;
    ExFreePoolWithTag(overrun, TAG);
    ExAllocatePoolWithTag(NonPagedPoolNx, 1, TAG);
    MmAllocateContiguousNodeMemory(PAGE_SIZE, none, all, none, PAGE_READWRITE, 0);
    MmAllocatePagesForMdlEx(none, all, piece, 2 << 20, MmCached, 0x20);
    MmMapIoSpace((PHYSICAL_ADDRESS){.QuadPart = 0xfee00000}, PAGE_SIZE, MmNonCached);
    ObReferenceObject(IoGetCurrentProcess());
    KeInitializeTimerEx(&kept_timer, NotificationTimer);
    KeSetTimerEx(&kept_timer, hour, 0, NULL);
}

static VOID NTAPI unload(PDRIVER_OBJECT driver) {
    UNREFERENCED_PARAMETER(driver); /* and leaves its device behind */
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registry);

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registry) {
    UNICODE_STRING name;
    PDEVICE_OBJECT device;
    NTSTATUS status = events();

    UNREFERENCED_PARAMETER(registry);
    if (status == STATUS_SUCCESS) {
        status = dpcs();
    }
    if (status != STATUS_SUCCESS) {
        return status;
    }
    do_wrong();
    RtlInitUnicodeString(&name, L"\\Device\\wrong");
    status = IoCreateDevice(driver, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
    driver->DriverUnload = unload;
    return status;
}
