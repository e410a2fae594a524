// SPDX-License-Identifier: GPL-2.0-only
/* The structures of nt.h are the DDK's. Compiled for PE and linked nowhere. */
#include <ntifs.h>

#include <stddef.h>

#include "../nt.h"

#define SIZE(ours, theirs) _Static_assert(sizeof(struct ours) == sizeof(theirs), #theirs)
#define FIELD(ours, field, theirs, name)                                                       \
    _Static_assert(offsetof(struct ours, field) == offsetof(theirs, name), #theirs "." #name); \
    _Static_assert(sizeof(((struct ours*)0)->field) == sizeof(((theirs*)0)->name), #theirs "." #name)

SIZE(nt_string, UNICODE_STRING);
FIELD(nt_string, text, UNICODE_STRING, Buffer);

SIZE(nt_dispatcher, DISPATCHER_HEADER);
FIELD(nt_dispatcher, type, DISPATCHER_HEADER, Type);
FIELD(nt_dispatcher, signalled, DISPATCHER_HEADER, SignalState);
FIELD(nt_dispatcher, waiters, DISPATCHER_HEADER, WaitListHead);
SIZE(nt_event, KEVENT);

SIZE(nt_mutex, KMUTANT);
FIELD(nt_mutex, owner, KMUTANT, OwnerThread);

SIZE(nt_dpc, KDPC);
FIELD(nt_dpc, target, KDPC, Number);
FIELD(nt_dpc, entry, KDPC, DpcListEntry);
FIELD(nt_dpc, routine, KDPC, DeferredRoutine);
FIELD(nt_dpc, context, KDPC, DeferredContext);
FIELD(nt_dpc, queue, KDPC, DpcData);

SIZE(nt_processor, PROCESSOR_NUMBER);
FIELD(nt_processor, number, PROCESSOR_NUMBER, Number);
SIZE(nt_affinity, GROUP_AFFINITY);
FIELD(nt_affinity, group, GROUP_AFFINITY, Group);

SIZE(nt_timer, KTIMER);
FIELD(nt_timer, due, KTIMER, DueTime);
FIELD(nt_timer, dpc, KTIMER, Dpc);
FIELD(nt_timer, period, KTIMER, Period);

_Static_assert(sizeof(KAPC_STATE) >= 32, "process.c keeps an attachment there");

SIZE(nt_mdl, MDL);
FIELD(nt_mdl, flags, MDL, MdlFlags);
FIELD(nt_mdl, process, MDL, Process);
FIELD(nt_mdl, system_va, MDL, MappedSystemVa);
FIELD(nt_mdl, start_va, MDL, StartVa);
FIELD(nt_mdl, bytes, MDL, ByteCount);
FIELD(nt_mdl, offset, MDL, ByteOffset);

SIZE(nt_driver, DRIVER_OBJECT);
FIELD(nt_driver, devices, DRIVER_OBJECT, DeviceObject);
FIELD(nt_driver, start, DRIVER_OBJECT, DriverStart);
FIELD(nt_driver, name, DRIVER_OBJECT, DriverName);
FIELD(nt_driver, init, DRIVER_OBJECT, DriverInit);
FIELD(nt_driver, unload, DRIVER_OBJECT, DriverUnload);
FIELD(nt_driver, major, DRIVER_OBJECT, MajorFunction);
_Static_assert(NT_MAJORS == IRP_MJ_MAXIMUM_FUNCTION + 1, "major functions");
_Static_assert(NT_MAJOR_DEVICE_CONTROL == IRP_MJ_DEVICE_CONTROL && NT_MAJOR_CLEANUP == IRP_MJ_CLEANUP &&
                   NT_MAJOR_CLOSE == IRP_MJ_CLOSE && NT_MAJOR_SHUTDOWN == IRP_MJ_SHUTDOWN,
               "major functions");

SIZE(nt_device, DEVICE_OBJECT);
FIELD(nt_device, driver, DEVICE_OBJECT, DriverObject);
FIELD(nt_device, next, DEVICE_OBJECT, NextDevice);
FIELD(nt_device, flags, DEVICE_OBJECT, Flags);
FIELD(nt_device, characteristics, DEVICE_OBJECT, Characteristics);
FIELD(nt_device, extension, DEVICE_OBJECT, DeviceExtension);
FIELD(nt_device, stack_size, DEVICE_OBJECT, StackSize);

SIZE(nt_file, FILE_OBJECT);
FIELD(nt_file, device, FILE_OBJECT, DeviceObject);
FIELD(nt_file, context[0], FILE_OBJECT, FsContext);

SIZE(nt_irp, IRP);
FIELD(nt_irp, mdl, IRP, MdlAddress);
FIELD(nt_irp, system_buffer, IRP, AssociatedIrp);
FIELD(nt_irp, result, IRP, IoStatus);
FIELD(nt_irp, requestor_mode, IRP, RequestorMode);
FIELD(nt_irp, pending_returned, IRP, PendingReturned);
FIELD(nt_irp, current_location, IRP, CurrentLocation);
FIELD(nt_irp, cancel, IRP, Cancel);
FIELD(nt_irp, cancel_irql, IRP, CancelIrql);
FIELD(nt_irp, cancel_routine, IRP, CancelRoutine);
FIELD(nt_irp, user_buffer, IRP, UserBuffer);
FIELD(nt_irp, driver_context, IRP, Tail.Overlay.DriverContext);
FIELD(nt_irp, thread, IRP, Tail.Overlay.Thread);
FIELD(nt_irp, list_entry, IRP, Tail.Overlay.ListEntry);
FIELD(nt_irp, current_stack, IRP, Tail.Overlay.CurrentStackLocation);
FIELD(nt_irp, original_file, IRP, Tail.Overlay.OriginalFileObject);

SIZE(nt_io_stack, IO_STACK_LOCATION);
FIELD(nt_io_stack, control, IO_STACK_LOCATION, Control);
FIELD(nt_io_stack, parameters.ioctl.output_bytes, IO_STACK_LOCATION,
      Parameters.DeviceIoControl.OutputBufferLength);
FIELD(nt_io_stack, parameters.ioctl.input_bytes, IO_STACK_LOCATION,
      Parameters.DeviceIoControl.InputBufferLength);
FIELD(nt_io_stack, parameters.ioctl.code, IO_STACK_LOCATION, Parameters.DeviceIoControl.IoControlCode);
FIELD(nt_io_stack, parameters.ioctl.type3_input, IO_STACK_LOCATION,
      Parameters.DeviceIoControl.Type3InputBuffer);
FIELD(nt_io_stack, device, IO_STACK_LOCATION, DeviceObject);
FIELD(nt_io_stack, file, IO_STACK_LOCATION, FileObject);
FIELD(nt_io_stack, completion, IO_STACK_LOCATION, CompletionRoutine);

#define STATUS(name) _Static_assert((int)NT_##name == (int)STATUS_##name, #name)
STATUS(TIMEOUT);
STATUS(PENDING);
STATUS(USER_APC);
STATUS(UNSUCCESSFUL);
STATUS(NOT_IMPLEMENTED);
STATUS(INVALID_INFO_CLASS);
STATUS(INFO_LENGTH_MISMATCH);
STATUS(INVALID_HANDLE);
STATUS(INVALID_PARAMETER);
STATUS(INVALID_DEVICE_REQUEST);
STATUS(OBJECT_TYPE_MISMATCH);
STATUS(OBJECT_NAME_NOT_FOUND);
STATUS(OBJECT_NAME_COLLISION);
STATUS(INSUFFICIENT_RESOURCES);
STATUS(ALLOTTED_SPACE_EXCEEDED);
STATUS(DEVICE_BUSY);
STATUS(DEVICE_NOT_READY);
STATUS(INVALID_BLOCK_LENGTH);
STATUS(SHUTDOWN_IN_PROGRESS);
STATUS(NOT_SUPPORTED);
STATUS(CANCELLED);
