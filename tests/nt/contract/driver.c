// SPDX-License-Identifier: GPL-2.0-only
/*
 * coop_contract.sys: \Device\coop_contract, whose one request runs a case of the suite. Its answer is how
 * many checks failed, which the debugger's output names.
 */
#include "contract.h"
#include "environment.h"
#include "request.h"
#include "shim.h"

#define NAME(text) \
    { sizeof(text) - sizeof(*(text)), sizeof(text), (PWSTR)(text) }

static UNICODE_STRING device_name = NAME(L"\\Device\\coop_contract");
static UNICODE_STRING link_name = NAME(L"\\DosDevices\\coop_contract");

static void (*const cases[])(void) = {
#define CONTRACT_CASE(name) contract_##name,
#include "contract.def"
};

static NTSTATUS complete(PIRP irp, NTSTATUS status, ULONG_PTR bytes) {
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = bytes;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return status;
}

static NTSTATUS NTAPI open_or_close(PDEVICE_OBJECT device, PIRP irp) {
    UNREFERENCED_PARAMETER(device);
    return complete(irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI control(PDEVICE_OBJECT device, PIRP irp) {
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
    struct contract_request* request = irp->AssociatedIrp.SystemBuffer;

    UNREFERENCED_PARAMETER(device);
    if (stack->Parameters.DeviceIoControl.IoControlCode != CONTRACT_RUN) {
        return complete(irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
    if (stack->Parameters.DeviceIoControl.InputBufferLength != sizeof(*request) ||
        stack->Parameters.DeviceIoControl.OutputBufferLength != sizeof(*request)) {
        return complete(irp, STATUS_INFO_LENGTH_MISMATCH, 0);
    }
    if (request->number >= RTL_NUMBER_OF(cases)) {
        return complete(irp, STATUS_INVALID_PARAMETER, 0);
    }
    request->failed = environment_run(cases[request->number], request->event);
    return complete(irp, STATUS_SUCCESS, sizeof(*request));
}

static VOID NTAPI unload(PDRIVER_OBJECT driver) {
    IoDeleteSymbolicLink(&link_name);
    IoDeleteDevice(driver->DeviceObject);
    environment_unload();
    coop_nmi_unload();
    coop_cpu_unload();
}

static NTSTATUS create_device(PDRIVER_OBJECT driver) {
    PDEVICE_OBJECT device;
    NTSTATUS status =
        IoCreateDevice(driver, 0, &device_name, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN, FALSE, &device);

    if (!NT_SUCCESS(status)) {
        return status;
    }
    status = IoCreateSymbolicLink(&link_name, &device_name);
    if (!NT_SUCCESS(status)) {
        IoDeleteDevice(device);
    }
    return status;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registry);

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registry) {
    NTSTATUS status = STATUS_INSUFFICIENT_RESOURCES;

    UNREFERENCED_PARAMETER(registry);
    coop_call_load();
    coop_thread_load();
    coop_ram_load();
    if (!coop_clock_tsc_khz()) { /* sets the clock going, as coop_host_describe does */
        return STATUS_NOT_SUPPORTED;
    }
    if (coop_cpu_load()) {
        return status;
    }
    if (coop_nmi_load()) {
        goto unload_cpu;
    }
    if (environment_load()) {
        goto unload_nmi;
    }
    status = create_device(driver);
    if (NT_SUCCESS(status)) {
        driver->MajorFunction[IRP_MJ_CREATE] = open_or_close;
        driver->MajorFunction[IRP_MJ_CLOSE] = open_or_close;
        driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = control;
        driver->DriverUnload = unload;
        return status;
    }
    environment_unload();
unload_nmi:
    coop_nmi_unload();
unload_cpu:
    coop_cpu_unload();
    return status;
}
