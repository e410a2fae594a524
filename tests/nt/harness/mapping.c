// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mappings of MDLs, for the kernel and for processes.
 *
 * One for a process is a note, with an address that is nobody else's: that a driver has mapped these frames,
 * for that process. Who gives user space its memory (bridge.c) looks here for each page.
 */
#include "mapping.h"

#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/pfn.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "double.h"
#include "process.h"

#define FIRST_ADDRESS 0x10000000000ull

struct mapping {
    struct list_head entry;
    struct nt_mdl* mdl;
    const void* process; /* NULL: the kernel */
    u64 address;
};

static DEFINE_MUTEX(lock);
static LIST_HEAD(mappings);
static u64 next_address = FIRST_ADDRESS;
void (*mapping_lost)(void);

static unsigned int pages_of(const struct nt_mdl* mdl) {
    return PAGE_ALIGN((u64)mdl->offset + mdl->bytes) >> PAGE_SHIFT;
}

static void* map_for_kernel(const struct nt_mdl* mdl) {
    unsigned int pages = pages_of(mdl), i;
    struct page** list = kvmalloc_array(pages, sizeof(*list), GFP_KERNEL);
    void* start = NULL;

    if (list) {
        for (i = 0; i < pages; i++) {
            list[i] = pfn_to_page(mdl->frames[i]);
        }
        start = vmap(list, pages, VM_MAP, PAGE_KERNEL);
        kvfree(list);
    }
    return start;
}

#define MAPPING_NO_EXECUTE 0x40000000 /* of the priority */

NT_EXPORT(void*, MmMapLockedPagesSpecifyCache, struct nt_mdl* mdl, uint8_t mode, int32_t cache, void* wanted,
          uint32_t bug_check, uint32_t priority) {
    struct mapping* mapping = kzalloc(sizeof(*mapping), GFP_KERNEL);

    if (!mapping) {
        return NULL;
    }
    if (!(mdl->flags & (NT_MDL_PAGES_LOCKED | NT_MDL_NONPAGED_POOL | NT_MDL_PARTIAL)) || wanted) {
        double_complaint(
            "pages that are not locked (flags %#x) are mapped, or at an address of the driver's choice",
            mdl->flags);
    }
    mapping->mdl = mdl;
    mutex_lock(&lock);
    if (mode == NT_KERNEL_MODE) {
        mapping->address = (u64)map_for_kernel(mdl);
    } else {
        mapping->process = process_current();
        mapping->address = next_address;
        next_address += (u64)pages_of(mdl) << PAGE_SHIFT;
    }
    if (mapping->address) {
        list_add(&mapping->entry, &mappings);
        tally_taken(TALLY_mappings);
    }
    mutex_unlock(&lock);
    if (!mapping->address) {
        kfree(mapping);
        return NULL;
    }
    if (mode == NT_KERNEL_MODE) {
        mdl->system_va = (void*)mapping->address + mdl->offset;
        mdl->flags |= NT_MDL_MAPPED;
    }
    return (void*)mapping->address + mdl->offset;
}

NT_EXPORT(void, MmUnmapLockedPages, void* address, struct nt_mdl* mdl) {
    struct mapping *mapping, *found = NULL;

    mutex_lock(&lock);
    list_for_each_entry(mapping, &mappings, entry) {
        if (mapping->mdl == mdl && mapping->address + mdl->offset == (u64)address) {
            found = mapping;
            list_del(&found->entry);
            break;
        }
    }
    mutex_unlock(&lock);
    if (!found) {
        double_complaint("%px is unmapped, where nothing of that MDL is", address);
        return;
    }
    if (!found->process) {
        vunmap((void*)found->address);
        mdl->flags &= ~NT_MDL_MAPPED;
    } else {
        if (found->process != process_current()) {
            double_complaint("%px is unmapped in another process than it was mapped for", address);
        }
        mapping_lost();
    }
    kfree(found);
    tally_given_back(TALLY_mappings);
}

bool mapping_exists(const struct nt_mdl* mdl) {
    struct mapping* mapping;
    bool exists = false;

    mutex_lock(&lock);
    list_for_each_entry(mapping, &mappings, entry) {
        exists |= mapping->mdl == mdl;
    }
    mutex_unlock(&lock);
    return exists;
}

bool mapping_frame(const void* process, uint64_t address, uint64_t* frame) {
    struct mapping* mapping;
    bool found = false;

    mutex_lock(&lock);
    list_for_each_entry(mapping, &mappings, entry) {
        u64 page = (address - mapping->address) >> PAGE_SHIFT;

        if (mapping->process == process && address >= mapping->address && page < pages_of(mapping->mdl)) {
            *frame = PFN_PHYS(mapping->mdl->frames[page]);
            found = true;
            break;
        }
    }
    mutex_unlock(&lock);
    return found;
}
