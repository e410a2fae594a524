// SPDX-License-Identifier: GPL-2.0-only
/* What the kernel says of itself, and its ends. */
#include <linux/cpumask.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/string.h>

#include <asm/cpufeature.h>

#include "double.h"
#include "exports.h"

/* So that a test sees what a driver does on a kernel that lacks something. */
static char* absent = "";
module_param(absent, charp, 0444);
MODULE_PARM_DESC(absent, "Names that MmGetSystemRoutineAddress does not find, separated by commas");

static bool hvci;
module_param(hvci, bool, 0444);
MODULE_PARM_DESC(hvci, "Tell the driver that code integrity is kept by a hypervisor");

static bool is_absent(const char* name) {
    size_t length = strlen(name);
    const char* at = absent;

    while ((at = strstr(at, name))) {
        if ((at == absent || at[-1] == ',') && (at[length] == ',' || !at[length])) {
            return true;
        }
        at += length;
    }
    return false;
}

NT_EXPORT(void*, MmGetSystemRoutineAddress, const struct nt_string* wanted) {
    char name[64];
    unsigned int i;

    for (i = 0; i < wanted->bytes / 2u && i < sizeof(name) - 1; i++) {
        name[i] = wanted->text[i];
    }
    name[i] = '\0';
    return is_absent(name) ? NULL : double_export(name);
}

enum { BASIC = 0, PERFORMANCE = 2, CODE_INTEGRITY = 103, VA_SHADOW = 196 };
#define HVCI_ENABLED 0x400

struct code_integrity {
    u32 length, options;
};

struct basic {
    u32 reserved, timer_resolution, page_bytes, physical_pages, lowest_page, highest_page, granularity;
    u64 least_address, last_address, affinity;
    u8 processors;
};

/* Grows with the versions of NT; this is its size in Windows 10, and all of it but one number is 0. */
struct performance {
    u8 idle[44];
    u32 available_pages;
    u8 more[344 - 48];
};

static s32 give(void* to, u32 room, u32* needed, const void* from, u32 bytes, bool exactly) {
    if (needed) {
        *needed = bytes;
    }
    if (exactly ? room != bytes : room < bytes) {
        return NT_INFO_LENGTH_MISMATCH;
    }
    memcpy(to, from, bytes);
    return NT_SUCCESS;
}

NT_EXPORT(int32_t, ZwQuerySystemInformation, int32_t class, void* buffer, uint32_t bytes, uint32_t* needed) {
    struct code_integrity integrity = {sizeof(integrity), hvci ? HVCI_ENABLED : 0};
    struct basic basic = {
        .page_bytes = PAGE_SIZE, .physical_pages = totalram_pages(), .processors = num_online_cpus()};
    struct performance performance = {.available_pages = max(si_mem_available(), 0L)};
    u32 shadow = boot_cpu_has_bug(X86_BUG_CPU_MELTDOWN) ? 1 : 0;

    switch (class) {
    case BASIC:
        return give(buffer, bytes, needed, &basic, sizeof(basic), true);
    case PERFORMANCE:
        return give(buffer, bytes, needed, &performance, sizeof(performance), false);
    case CODE_INTEGRITY:
        return give(buffer, bytes, needed, &integrity, sizeof(integrity), false);
    case VA_SHADOW:
        return give(buffer, bytes, needed, &shadow, sizeof(shadow), false);
    default:
        return NT_INVALID_INFO_CLASS;
    }
}

NT_EXPORT(void, KeBugCheckEx, uint32_t code, uint64_t first, uint64_t second, uint64_t third,
          uint64_t fourth) {
    panic("bug check %#x (%#llx, %#llx, %#llx, %#llx)", code, first, second, third, fourth);
}

/* Nothing raises here: what would in NT returns a failure, or is a fault that Linux stops for. */
NT_EXPORT(int32_t, __C_specific_handler, void* record, void* frame, void* context, void* dispatcher) {
    panic("an exception is dispatched, which is not modelled");
}
