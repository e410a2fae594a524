/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The control ABI on NT: how the requests of coop/ioctl.h travel by DeviceIoControl on \\.\coop, and what
 * only NT needs.
 *
 * Open with GENERIC_READ | GENERIC_WRITE and FILE_FLAG_OVERLAPPED: without it NT lets only one request at a
 * time into a handle, and RUN would keep all others out. Each request's structure is both the input and the
 * output buffer, and both lengths are its size, whatever the directions; nothing is written back unless it
 * succeeds. EXTENTS and LOG have no pointers here: array_ptr and data_ptr are 0, and the output buffer is the
 * structure and, behind it, room for capacity elements.
 *
 * RUN lends the calling thread, so the call returns when RUN is done and never pends. RUN and CREATE end with
 * STATUS_CANCELLED where Linux says EINTR: after CancelIoEx for the request's OVERLAPPED, when the thread is
 * to end or the last handle is closed; and for a user APC (QueueUserAPC), which NT may report only once the
 * guest has nothing to do.
 *
 *   COOP_E_*       NTSTATUS                       GetLastError()
 *   INTERRUPTED    STATUS_CANCELLED               ERROR_OPERATION_ABORTED
 *   NO_DEVICE      STATUS_DEVICE_NOT_READY        ERROR_NOT_READY
 *   TOO_BIG        STATUS_INVALID_BLOCK_LENGTH    ERROR_INVALID_BLOCK_LENGTH
 *   NO_MEMORY      STATUS_INSUFFICIENT_RESOURCES  ERROR_NO_SYSTEM_RESOURCES
 *   BUSY           STATUS_DEVICE_BUSY             ERROR_BUSY
 *   EXISTS         STATUS_OBJECT_NAME_COLLISION   ERROR_ALREADY_EXISTS
 *   INVALID        STATUS_INVALID_PARAMETER       ERROR_INVALID_PARAMETER
 *   NOT_SUPPORTED  STATUS_NOT_SUPPORTED           ERROR_NOT_SUPPORTED
 *   no such request            STATUS_INVALID_DEVICE_REQUEST  ERROR_INVALID_FUNCTION
 *   a buffer of another size   STATUS_INFO_LENGTH_MISMATCH    ERROR_BAD_LENGTH
 *   RUN once the host shuts down  STATUS_SHUTDOWN_IN_PROGRESS ERROR_SHUTDOWN_IN_PROGRESS
 *   NOTIFIER, a handle that is no event's  what ObReferenceObjectByHandle says: ERROR_INVALID_HANDLE …
 */
#ifndef COOP_IOCTL_NT_H
#define COOP_IOCTL_NT_H

#include "coop/ioctl.h"

/* CTL_CODE(COOP_NT_DEVICE_TYPE, 0x800 + request, METHOD_BUFFERED, FILE_READ_DATA | FILE_WRITE_DATA) */
#define COOP_NT_DEVICE_TYPE 0xc0c0u
#define COOP_NT_CODE(request) (COOP_NT_DEVICE_TYPE << 16 | 3u << 14 | (0x800u + (request)) << 2)

/* Requests that only NT has. */
#define COOP_NT_REQUEST_MAP 0x40
#define COOP_NT_REQUEST_HOST_EVENT 0x41

/*
 * NOTIFIER's handle is that of an event, opened with EVENT_MODIFY_STATE; the driver signals it by SetEvent
 * and keeps a reference of its own.
 */

/*
 * MAP (in/out), in place of mmap: shows one whole extent to the calling process, writable, not executable, at
 * an address that NT chooses. Once more by the same process: the same address. The mapping goes when the last
 * handle is closed or the process ends; pages that direct I/O still holds go home when that ends.
 * INVALID: no extent begins at this offset. NO_MEMORY: no room in the process, or in the kernel.
 */
struct coop_nt_map {
    coop_u64 map_offset; /* in: a coop_extent's */
    coop_u64 size;       /* out: the extent's */
    coop_u64 address;    /* out */
};

/*
 * HOST_EVENT (out): pends until the host is about to sleep or to shut down, and completes at once while it
 * is. A hint, not a veto: NT asks nobody; it may announce a shutdown as a sleep first. CancelIoEx and closing
 * the handle cancel it. Any number may pend.
 */
#define COOP_NT_HOST_SLEEPS 1
#define COOP_NT_HOST_SHUTS_DOWN 2
struct coop_nt_host_event {
    coop_u32 event; /* COOP_NT_HOST_* */
    coop_u32 reserved;
};

COOP_STATIC_ASSERT(sizeof(struct coop_nt_map) == 24);
COOP_STATIC_ASSERT(sizeof(struct coop_nt_host_event) == 8);

#endif
