// SPDX-License-Identifier: GPL-2.0-only
/* The service's key in the registry: numbers, from the module's parameter. */
#include <linux/kernel.h>
#include <linux/moduleparam.h>
#include <linux/string.h>

#include "double.h"

static char* registry = "";
module_param(registry, charp, 0444);
MODULE_PARM_DESC(registry, "The driver's settings: NAME=NUMBER, separated by commas");

#define PARTIAL_INFORMATION 2
#define REG_DWORD 4
#define NAME_BYTES 64

struct partial_information {
    u32 index, type, bytes;
    u32 number;
};

NT_EXPORT(int32_t, ZwOpenKey, uint64_t* handle, uint32_t access, const void* attributes) {
    void* key = object_new(OBJECT_KEY, 1, NULL);

    *handle = key ? handle_new(key) : 0;
    if (key) {
        object_put(key);
    }
    return *handle ? NT_SUCCESS : NT_INSUFFICIENT_RESOURCES;
}

static bool find(const struct nt_string* wanted, u32* number) {
    const char* at = registry;
    char name[NAME_BYTES];
    unsigned int i;

    for (i = 0; i < wanted->bytes / 2u && i < sizeof(name) - 1; i++) {
        name[i] = wanted->text[i];
    }
    name[i] = '\0';
    for (; at; at = strchr(at, ',')) {
        at += *at == ',';
        if (!strncasecmp(at, name, i) && at[i] == '=') {
            return sscanf(at + i + 1, "%u", number) == 1;
        }
    }
    return false;
}

NT_EXPORT(int32_t, ZwQueryValueKey, uint64_t handle, const struct nt_string* name, int32_t class,
          void* buffer, uint32_t bytes, uint32_t* needed) {
    struct partial_information information = {.type = REG_DWORD, .bytes = sizeof(information.number)};

    *needed = sizeof(information);
    if (class != PARTIAL_INFORMATION || bytes < sizeof(information)) {
        return NT_INFO_LENGTH_MISMATCH;
    }
    if (!find(name, &information.number)) {
        return NT_OBJECT_NAME_NOT_FOUND;
    }
    memcpy(buffer, &information, sizeof(information));
    return NT_SUCCESS;
}
