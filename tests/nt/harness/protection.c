// SPDX-License-Identifier: GPL-2.0-only
/* By the kernel's own set_memory_*(), whose addresses kprobes know; for a test, on a kernel of the test's
 * choice. */
#include "protection.h"

#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/printk.h>

typedef int set_memory(unsigned long address, int pages);

static set_memory *memory_ro, *memory_rw, *memory_x, *memory_nx;

static set_memory* find(const char* name) {
    struct kprobe probe = {.symbol_name = name, .flags = KPROBE_FLAG_DISABLED}; /* never armed */
    void* address;

    if (register_kprobe(&probe)) {
        pr_err("this kernel has no %s\n", name);
        return NULL;
    }
    address = probe.addr;
    unregister_kprobe(&probe);
    return address;
}

int protection_load(void) {
    memory_ro = find("set_memory_ro");
    memory_rw = find("set_memory_rw");
    memory_x = find("set_memory_x");
    memory_nx = find("set_memory_nx");
    return memory_ro && memory_rw && memory_x && memory_nx ? 0 : -ENOENT;
}

/* Never writable and executable at once. */
int protection_seal(void* start, size_t bytes, bool executable) {
    int pages = bytes >> PAGE_SHIFT;
    int error = pages ? memory_ro((unsigned long)start, pages) : 0;

    if (!error && executable && pages) {
        error = memory_x((unsigned long)start, pages);
    }
    return error;
}

void protection_undo(void* start, size_t bytes) {
    memory_nx((unsigned long)start, bytes >> PAGE_SHIFT);
    memory_rw((unsigned long)start, bytes >> PAGE_SHIFT);
}
