// SPDX-License-Identifier: GPL-2.0-only
/* What the double exports, in a table that the build makes of all NT_EXPORT and NT_DATA (exports.inc). */
#include <linux/kernel.h>
#include <linux/string.h>

#include "exports.h"

/* Of whatever type: only their addresses are of interest here. */
#define EXPORT(name) extern char nt_##name[];
#include "exports.inc"
#undef EXPORT

static const struct {
    const char* name;
    void* address;
} table[] = {
#define EXPORT(name) {#name, nt_##name},
#include "exports.inc"
};

void* double_export(const char* name) {
    unsigned int i;

    for (i = 0; i < ARRAY_SIZE(table); i++) {
        if (!strcmp(table[i].name, name)) {
            return table[i].address;
        }
    }
    return NULL;
}
