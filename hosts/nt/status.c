// SPDX-License-Identifier: GPL-2.0-only
/* How requests end. */
#include "shim.h"

NTSTATUS coop_complete(PIRP irp, NTSTATUS status, ULONG_PTR bytes) {
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = bytes;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return status;
}

NTSTATUS coop_status(int result) {
    switch (-result) {
    case 0:
        return STATUS_SUCCESS;
    case COOP_E_INTERRUPTED:
        return STATUS_CANCELLED;
    case COOP_E_NO_DEVICE:
        return STATUS_DEVICE_NOT_READY;
    case COOP_E_TOO_BIG:
        return STATUS_INVALID_BLOCK_LENGTH;
    case COOP_E_NO_MEMORY:
        return STATUS_INSUFFICIENT_RESOURCES;
    case COOP_E_BUSY:
        return STATUS_DEVICE_BUSY;
    case COOP_E_EXISTS:
        return STATUS_OBJECT_NAME_COLLISION;
    case COOP_E_INVALID:
        return STATUS_INVALID_PARAMETER;
    case COOP_E_NOT_SUPPORTED:
        return STATUS_NOT_SUPPORTED;
    default:
        return STATUS_UNSUCCESSFUL;
    }
}
