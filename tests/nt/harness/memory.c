// SPDX-License-Identifier: GPL-2.0-only
/*
 * Physical memory: contiguous blocks, pages for MDLs, mappings for the kernel. Guest RAM comes from where the
 * Linux shim takes it (hosts/linux/ram.c): single counted pages, so that what user space holds longer goes
 * home later.
 */
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/list.h>
#include <linux/log2.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/page-flags.h>
#include <linux/pfn.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "coop/host.h"
#include "double.h"
#include "mapping.h"
#include "pool.h"
#include "probes.h"

#define GARBAGE 0x5a
#define LARGE SZ_2M

NT_EXPORT(uint64_t, MmGetPhysicalAddress, const void* address) {
    return is_vmalloc_addr(address) || virt_addr_valid(address) ? coop_host_phys(address) : 0;
}

/* --- Contiguous memory --- */

struct block {
    struct list_head entry;
    void* start;
    u64 bytes;
};

static DEFINE_SPINLOCK(lock);
static LIST_HEAD(blocks);

static bool is_large(u64 bytes) {
    return bytes % LARGE == 0;
}

static void* take(u64 bytes) {
    u64 phys;

    if (!is_large(bytes)) {
        return coop_host_pages_alloc(bytes >> PAGE_SHIFT);
    }
    return coop_host_ram_alloc(bytes, &phys) ? NULL : coop_host_ram_va(phys);
}

static void give_back(void* start, u64 bytes) {
    if (is_large(bytes)) {
        coop_host_ram_free(coop_host_phys(start), bytes);
    } else {
        coop_host_pages_free(start, bytes >> PAGE_SHIFT);
    }
}

/* Aligned to its size as far as that is a power of two, so within any boundary that is not smaller. */
static void* contiguous(u64 bytes, u64 lowest, u64 highest, u64 boundary) {
    struct block* block = kmalloc(sizeof(*block), GFP_KERNEL);
    u64 phys;

    if (!block) {
        return NULL;
    }
    block->bytes = PAGE_ALIGN(bytes);
    block->start = bytes ? take(block->bytes) : NULL;
    if (!block->start) {
        kfree(block);
        return NULL;
    }
    phys = coop_host_phys(block->start);
    if (phys < lowest || phys + bytes - 1 > highest ||
        (boundary && phys / boundary != (phys + bytes - 1) / boundary)) {
        give_back(block->start, block->bytes);
        kfree(block);
        return NULL;
    }
    memset(block->start, GARBAGE, block->bytes);
    spin_lock(&lock);
    list_add(&block->entry, &blocks);
    spin_unlock(&lock);
    tally_taken(TALLY_contiguous);
    return block->start;
}

NT_EXPORT(void*, MmAllocateContiguousMemorySpecifyCache, uint64_t bytes, uint64_t lowest, uint64_t highest,
          uint64_t boundary, int32_t cache) {
    return contiguous(bytes, lowest, highest, boundary);
}

NT_EXPORT(void*, MmAllocateContiguousMemory, uint64_t bytes, uint64_t highest) {
    return contiguous(bytes, 0, highest, 0);
}

#define PAGE_READWRITE 4

NT_EXPORT(void*, MmAllocateContiguousNodeMemory, uint64_t bytes, uint64_t lowest, uint64_t highest,
          uint64_t boundary, uint32_t protection, uint32_t node) {
    if (protection != PAGE_READWRITE) {
        double_complaint("contiguous memory with protection %#x", protection);
    }
    return contiguous(bytes, lowest, highest, boundary);
}

NT_EXPORT(void, MmFreeContiguousMemory, void* start) {
    struct block *block, *found = NULL;

    spin_lock(&lock);
    list_for_each_entry(block, &blocks, entry) {
        if (block->start == start) {
            found = block;
            list_del(&found->entry);
            break;
        }
    }
    spin_unlock(&lock);
    if (!found) {
        double_complaint("%px is no contiguous memory", start);
        return;
    }
    give_back(found->start, found->bytes);
    kfree(found);
    tally_given_back(TALLY_contiguous);
}

NT_EXPORT(void, MmFreeContiguousMemorySpecifyCache, void* start, uint64_t bytes, int32_t cache) {
    nt_MmFreeContiguousMemory(start);
}

/* --- Pages for MDLs --- */

static bool pieces = true;
module_param(pieces, bool, 0444);
MODULE_PARM_DESC(pieces, "If not, MmAllocatePagesForMdlEx refuses all flags, as ReactOS does");

enum { REQUIRE_CONTIGUOUS_CHUNKS = 0x20, KNOWN_FLAGS = 0x7f };

/* What is asked for: pieces of so many pages each, within these frames. */
struct wish {
    u64 first, last;
    u64 pages, piece;
};

static struct nt_mdl* mdl_new(u64 pages) {
    struct nt_mdl* mdl = pool_alloc(sizeof(*mdl) + pages * sizeof(mdl->frames[0]), false);

    if (mdl) {
        *mdl = (struct nt_mdl){.size = (s16)(sizeof(*mdl) + pages * sizeof(mdl->frames[0])),
                               .bytes = pages << PAGE_SHIFT};
    }
    return mdl;
}

static void free_frames(const struct nt_mdl* mdl, u64 pages) {
    u64 i;

    for (i = 0; i < pages; i++) {
        coop_host_ram_free(PFN_PHYS(mdl->frames[i]), PAGE_SIZE);
    }
}

/* A guess without locks, which saves futile attempts: free pages and those on the LRU lists can be moved. */
static bool looks_movable(u64 first, u64 pages) {
    u64 pfn;

    for (pfn = first; pfn < first + pages; pfn++) {
        struct page* page = pfn_to_online_page(pfn);

        if (!page || PageReserved(page) || PageHuge(page) ||
            page_zone(page) != page_zone(pfn_to_page(first)) || (page_ref_count(page) && !PageLRU(page))) {
            return false;
        }
    }
    return true;
}

/* These very frames. */
static bool take_frames(u64 first, u64 pages) {
#if COOP_PROBE_ALLOC_CONTIG_FLAGS
    int error = looks_movable(first, pages)
                    ? alloc_contig_range(first, first + pages, ACR_FLAGS_NONE, GFP_KERNEL | __GFP_NOWARN)
                    : -EBUSY;
#else
    int error = looks_movable(first, pages)
                    ? alloc_contig_range(first, first + pages, MIGRATE_MOVABLE, GFP_KERNEL | __GFP_NOWARN)
                    : -EBUSY;
#endif
    u64 i;

    for (i = 0; !error && i < pages; i++) {
        clear_highpage(pfn_to_page(first + i));
    }
    return !error;
}

/* Wherever the allocator pleases; false if there is none, or none within the wish. */
static bool take_piece(const struct wish* wish, u64* first) {
    u64 phys, bytes = wish->piece << PAGE_SHIFT;
    struct page* page;

    if (bytes % LARGE == 0) {
        if (coop_host_ram_alloc(bytes, &phys)) {
            return false;
        }
        *first = PHYS_PFN(phys);
    } else {
        page = alloc_pages(GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN, get_order(bytes));
        if (!page) {
            return false;
        }
        split_page(page, get_order(bytes));
        *first = page_to_pfn(page);
    }
    if (*first >= wish->first && *first + wish->piece - 1 <= wish->last) {
        return true;
    }
    coop_host_ram_free(PFN_PHYS(*first), bytes);
    return false;
}

static void note(struct nt_mdl* mdl, u64 at, u64 first, u64 pages) {
    u64 i;

    for (i = 0; i < pages; i++) {
        mdl->frames[at + i] = first + i;
    }
}

/* A range that is no larger than the wish is taken as it is, large page by large page. Returns how many pages
 * came. */
static u64 fulfil(const struct wish* wish, struct nt_mdl* mdl) {
    bool exact = wish->last - wish->first < wish->pages + 1;
    u64 step = exact ? LARGE >> PAGE_SHIFT : wish->piece;
    u64 at, first;

    for (at = 0; at < wish->pages; at += step) {
        if (exact) {
            first = wish->first + at;
            if (!take_frames(first, step)) {
                break;
            }
        } else if (!take_piece(wish, &first)) {
            break;
        }
        note(mdl, at, first, step);
        cond_resched();
    }
    return at;
}

/* NT without MM_ALLOCATE_FULLY_REQUIRED may give less; here it is always all or nothing. */
NT_EXPORT(struct nt_mdl*, MmAllocatePagesForMdlEx, uint64_t lowest, uint64_t highest, uint64_t skip,
          uint64_t bytes, int32_t cache, uint32_t flags) {
    struct wish wish = {.first = PFN_UP(lowest),
                        .last = min_t(u64, highest >> PAGE_SHIFT, U64_MAX >> (PAGE_SHIFT + 1)),
                        .pages = PFN_UP(bytes),
                        .piece = flags & REQUIRE_CONTIGUOUS_CHUNKS ? skip >> PAGE_SHIFT : 1};
    struct nt_mdl* mdl;
    u64 taken;

    if (!pieces && flags) {
        return NULL;
    }
    if (flags & ~KNOWN_FLAGS || bytes > SZ_4G - PAGE_SIZE || !bytes || !wish.piece ||
        wish.pages % wish.piece || (!is_power_of_2(wish.piece) && wish.piece % (LARGE >> PAGE_SHIFT))) {
        double_complaint("MmAllocatePagesForMdlEx: %llu bytes in pieces of %llu with flags %#x", bytes, skip,
                         flags);
        return NULL;
    }
    mdl = mdl_new(wish.pages);
    if (!mdl) {
        return NULL;
    }
    taken = fulfil(&wish, mdl);
    if (taken < wish.pages) {
        free_frames(mdl, taken);
        pool_free(mdl);
        return NULL;
    }
    mdl->flags = NT_MDL_PAGES_LOCKED;
    tally_taken(TALLY_pages);
    return mdl;
}

NT_EXPORT(void, MmFreePagesFromMdl, struct nt_mdl* mdl) {
    if (!(mdl->flags & NT_MDL_PAGES_LOCKED) || mdl->flags & NT_MDL_MAPPED || mapping_exists(mdl)) {
        double_complaint("pages are freed that are mapped, or that the MDL does not hold (flags %#x)",
                         mdl->flags);
        return;
    }
    free_frames(mdl, mdl->bytes >> PAGE_SHIFT);
    mdl->flags &= ~NT_MDL_PAGES_LOCKED;
    tally_given_back(TALLY_pages);
}

/* --- What RAM there is --- */

struct ram_range {
    u64 start, bytes;
};

static int note_range(struct resource* resource, void* context) {
    struct ram_range** next = context;

    *(*next)++ = (struct ram_range){resource->start, resource_size(resource)};
    return 0;
}

#define RANGES 64 /* more than an emulated machine has, and its end */

NT_EXPORT(struct ram_range*, MmGetPhysicalMemoryRanges, void) {
    struct ram_range* ranges = pool_alloc(RANGES * sizeof(*ranges), true);
    struct ram_range* next = ranges;

    if (ranges) {
        walk_iomem_res_desc(IORES_DESC_NONE, IORESOURCE_SYSTEM_RAM | IORESOURCE_BUSY, 0, -1, &next,
                            note_range);
    }
    return ranges;
}

/* --- Device memory --- */

NT_EXPORT(void*, MmMapIoSpace, uint64_t phys, uint64_t bytes, int32_t cache) {
    void* mapping = (void __force*)ioremap(phys, bytes);

    if (mapping) {
        tally_taken(TALLY_mappings);
    }
    return mapping;
}

NT_EXPORT(void, MmUnmapIoSpace, void* mapping, uint64_t bytes) {
    iounmap((void __iomem __force*)mapping);
    tally_given_back(TALLY_mappings);
}
