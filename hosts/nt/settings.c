// SPDX-License-Identifier: GPL-2.0-only
/* Numbers from the service's key in the registry. */
#include "shim.h"

ULONG coop_setting(PUNICODE_STRING key, const wchar_t* name, ULONG otherwise) {
    struct {
        KEY_VALUE_PARTIAL_INFORMATION information;
        UCHAR data[sizeof(ULONG)]; /* the structure has one byte of it */
    } value;
    OBJECT_ATTRIBUTES attributes;
    UNICODE_STRING value_name;
    HANDLE opened;
    NTSTATUS status;
    ULONG bytes, number;

    InitializeObjectAttributes(&attributes, key, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL, NULL);
    if (!NT_SUCCESS(ZwOpenKey(&opened, KEY_QUERY_VALUE, &attributes))) {
        return otherwise;
    }
    RtlInitUnicodeString(&value_name, name);
    status = ZwQueryValueKey(opened, &value_name, KeyValuePartialInformation, &value, sizeof(value), &bytes);
    ZwClose(opened);
    if (!NT_SUCCESS(status) || value.information.Type != REG_DWORD ||
        value.information.DataLength != sizeof(number)) {
        return otherwise;
    }
    RtlCopyMemory(&number, value.information.Data, sizeof(number));
    return number;
}
