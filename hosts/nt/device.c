// SPDX-License-Identifier: GPL-2.0-only
/*
 * \Device\coop: open, close, and who may; the requests are in requests.c.
 *
 * Whoever can open it can run code in ring 0, so only SYSTEM and the administrators may, also by names inside
 * the device. Cleanup comes when the last handle is closed, close when no request is left either. One Windows
 * look-alike, Wine, sends only the latter, so close does all again.
 */
#include "shim.h"

#define NAME(text) \
    { sizeof(text) - sizeof(*(text)), sizeof(text), (PWSTR)(text) }

static UNICODE_STRING device_name = NAME(L"\\Device\\coop");
static UNICODE_STRING link_name = NAME(L"\\DosDevices\\coop");

static NTSTATUS NTAPI open_handle(PDEVICE_OBJECT device, PIRP irp) {
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
    struct coop_handle* handle;

    UNREFERENCED_PARAMETER(device);
    if (stack->FileObject->FileName.Length) {
        return coop_complete(irp, STATUS_OBJECT_NAME_NOT_FOUND, 0);
    }
    handle = coop_host_alloc(sizeof(*handle));
    stack->FileObject->FsContext = handle;
    return coop_complete(irp, handle ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES, 0);
}

/* The requests of this file object end, also those on their way here, and what it shows of its guest
 * disappears. */
static void end_requests(PFILE_OBJECT file) {
    InterlockedExchange(&coop_handle_of(file)->closed, 1);
    coop_notice_cancel(file);
    coop_call_interrupt_file(file);
    coop_mapping_remove(coop_handle_of(file));
}

static NTSTATUS NTAPI cleanup(PDEVICE_OBJECT device, PIRP irp) {
    UNREFERENCED_PARAMETER(device);
    end_requests(IoGetCurrentIrpStackLocation(irp)->FileObject);
    return coop_complete(irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI close_handle(PDEVICE_OBJECT device, PIRP irp) {
    PFILE_OBJECT file = IoGetCurrentIrpStackLocation(irp)->FileObject;
    struct coop_handle* handle = coop_handle_of(file);

    UNREFERENCED_PARAMETER(device);
    end_requests(file);
    if (handle->guest) {
        /* First off the list of those that a shutdown ends, then gone. */
        coop_lifecycle_dismiss(handle);
        coop_guest_destroy(handle->guest);
    }
    coop_host_free(handle);
    return coop_complete(irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI control(PDEVICE_OBJECT device, PIRP irp) {
    UNREFERENCED_PARAMETER(device);
    return coop_request(coop_handle_of(IoGetCurrentIrpStackLocation(irp)->FileObject), irp);
}

static NTSTATUS NTAPI shutdown(PDEVICE_OBJECT device, PIRP irp) {
    UNREFERENCED_PARAMETER(device);
    coop_lifecycle_shutdown();
    return coop_complete(irp, STATUS_SUCCESS, 0);
}

/* A security identifier with up to two parts, as SID has one only. */
struct sid {
    UCHAR revision, parts;
    SID_IDENTIFIER_AUTHORITY authority;
    ULONG part[2];
};

#define ACES 2
#define ACL_BYTES (sizeof(ACL) + ACES * (FIELD_OFFSET(ACCESS_ALLOWED_ACE, SidStart) + sizeof(struct sid)))

static NTSTATUS fill_acl(PACL acl) {
    static struct sid allowed[ACES] = {
        {SID_REVISION, 1, {SECURITY_NT_AUTHORITY}, {SECURITY_LOCAL_SYSTEM_RID}},
        {SID_REVISION, 2, {SECURITY_NT_AUTHORITY}, {SECURITY_BUILTIN_DOMAIN_RID, DOMAIN_ALIAS_RID_ADMINS}},
    };
    NTSTATUS status = RtlCreateAcl(acl, ACL_BYTES, ACL_REVISION);
    unsigned int i;

    for (i = 0; NT_SUCCESS(status) && i < ACES; i++) {
        status = RtlAddAccessAllowedAce(acl, ACL_REVISION, FILE_ALL_ACCESS, &allowed[i]);
    }
    return status;
}

/* Here, since IoCreateDeviceSecure is in a library of the WDK, not in the kernel. */
static NTSTATUS secure(PDEVICE_OBJECT device) {
    UCHAR acl[ACL_BYTES] __attribute__((aligned(8)));
    SECURITY_DESCRIPTOR descriptor;
    HANDLE handle;
    NTSTATUS status = fill_acl((PACL)acl);

    if (NT_SUCCESS(status)) {
        status = RtlCreateSecurityDescriptor(&descriptor, SECURITY_DESCRIPTOR_REVISION);
    }
    if (NT_SUCCESS(status)) {
        status = RtlSetDaclSecurityDescriptor(&descriptor, TRUE, (PACL)acl, FALSE);
    }
    if (NT_SUCCESS(status)) {
        status = ObOpenObjectByPointer(device, OBJ_KERNEL_HANDLE, NULL, WRITE_DAC, NULL, KernelMode, &handle);
    }
    if (NT_SUCCESS(status)) {
        descriptor.Control |= SE_DACL_PROTECTED;
        status = ZwSetSecurityObject(handle, DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION,
                                     &descriptor);
        ZwClose(handle);
    }
    return status;
}

NTSTATUS coop_device_create(PDRIVER_OBJECT driver) {
    PDEVICE_OBJECT device;
    NTSTATUS status =
        IoCreateDevice(driver, 0, &device_name, COOP_NT_DEVICE_TYPE, FILE_DEVICE_SECURE_OPEN, FALSE, &device);

    if (!NT_SUCCESS(status)) {
        return status;
    }
    status = secure(device);
    if (!NT_SUCCESS(status)) {
        coop_log("no access control for the device (0x%lx)", status);
        goto delete_device;
    }
    status = IoRegisterShutdownNotification(device);
    if (!NT_SUCCESS(status)) {
        goto delete_device;
    }
    driver->MajorFunction[IRP_MJ_CREATE] = open_handle;
    driver->MajorFunction[IRP_MJ_CLEANUP] = cleanup;
    driver->MajorFunction[IRP_MJ_CLOSE] = close_handle;
    driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = control;
    driver->MajorFunction[IRP_MJ_SHUTDOWN] = shutdown;
    status = IoCreateSymbolicLink(&link_name, &device_name);
    if (!NT_SUCCESS(status)) {
        goto unregister_shutdown;
    }
    return STATUS_SUCCESS;

unregister_shutdown:
    IoUnregisterShutdownNotification(device);
delete_device:
    IoDeleteDevice(device);
    return status;
}

void coop_device_delete(PDRIVER_OBJECT driver) {
    IoDeleteSymbolicLink(&link_name);
    IoUnregisterShutdownNotification(driver->DeviceObject);
    IoDeleteDevice(driver->DeviceObject);
}
