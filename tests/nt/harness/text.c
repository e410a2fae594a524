// SPDX-License-Identifier: GPL-2.0-only
/* Strings, the debugger's output, and the C library of the kernel. */
#include <linux/ctype.h>
#include <linux/kernel.h>
#include <linux/printk.h>
#include <linux/stdarg.h>
#include <linux/string.h>

#include "double.h"

NT_EXPORT(void*, memcpy, void* to, const void* from, uint64_t bytes) {
    return memcpy(to, from, bytes);
}

NT_EXPORT(void*, memmove, void* to, const void* from, uint64_t bytes) {
    return memmove(to, from, bytes);
}

NT_EXPORT(void*, memset, void* to, int32_t value, uint64_t bytes) {
    return memset(to, value, bytes);
}

NT_EXPORT(int32_t, memcmp, const void* first, const void* second, uint64_t bytes) {
    return memcmp(first, second, bytes);
}

NT_EXPORT(void, RtlInitUnicodeString, struct nt_string* string, uint16_t* text) {
    unsigned int length = 0;

    while (text && text[length]) {
        length++;
    }
    *string = (struct nt_string){.bytes = 2 * length, .capacity = text ? 2 * length + 2 : 0, .text = text};
}

/*
 * NT's conversions in Linux's words: l is 32 bits wide, I64 is ll, and a pointer is shown as it is. Returns
 * false for those that have no such words.
 */
static bool translate(char* to, size_t room, const char* from) {
    size_t length = 0;
    bool inside = false;

    for (; *from && length + 3 < room; from++) {
        if (inside && *from == 'l' && from[1] != 'l') {
            continue;
        }
        if (inside && *from == 'l') {
            to[length++] = *from++;
        } else if (inside && !strncmp(from, "I64", 3)) {
            to[length++] = 'l';
            from += 2;
            to[length++] = 'l';
            continue;
        }
        if (inside && strchr("wZSC", *from)) {
            return false;
        }
        to[length++] = *from;
        if (inside && *from == 'p') {
            to[length++] = 'x';
        }
        inside = *from == '%' ? !inside : inside && !isalpha(*from);
    }
    to[length] = '\0';
    return !*from;
}

/* Both conventions keep arguments in a row of words; that of the PE is all of it in memory. */
static void as_linux(va_list list, void* row) {
    list[0].gp_offset = 48;
    list[0].fp_offset = 176;
    list[0].overflow_arg_area = row;
    list[0].reg_save_area = NULL;
}

NT_EXPORT(uint32_t, DbgPrint, const char* format, ...) {
    char linux_format[256], text[256];
    __builtin_ms_va_list row;
    va_list list;

    if (!translate(linux_format, sizeof(linux_format), format)) {
        double_complaint("DbgPrint of %s", format);
        return NT_INVALID_PARAMETER;
    }
    __builtin_ms_va_start(row, format);
    as_linux(list, row);
    vscnprintf(text, sizeof(text), linux_format, list);
    __builtin_ms_va_end(row);
    pr_info("driver: %s%s", text, *text && text[strlen(text) - 1] == '\n' ? "" : "\n");
    return NT_SUCCESS;
}
