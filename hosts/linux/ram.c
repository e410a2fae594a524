// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's RAM: physically contiguous runs of ordinary, individually counted pages.
 *
 * Each page has its own reference count, so a page of a freed run that a direct I/O still holds goes home
 * when that ends. Runs of up to 4 MiB come from the page allocator; larger ones, and those it cannot give,
 * are made by moving other users' pages away.
 */
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/nodemask.h>
#include <linux/page-flags.h>
#include <linux/pfn.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>

#include "shim.h"

#define RUN_BYTES SZ_2M
#define RUN_PAGES (RUN_BYTES >> PAGE_SHIFT)
#define BUDDY_BYTES SZ_4M /* the page allocator's largest block */
#define RUN_GFP (GFP_KERNEL | __GFP_NOWARN | __GFP_RETRY_MAYFAIL)

uint64_t coop_host_ram_available(void) {
    /* Left to the host: a sixteenth of its memory, 64 MiB at least. */
    u64 reserve = max_t(u64, SZ_64M, ((u64)totalram_pages() << PAGE_SHIFT) / 16);
    u64 available = (u64)max(si_mem_available(), 0L) << PAGE_SHIFT;

    return available > reserve ? available - reserve : 0;
}

static struct page* take_from_buddy(u64 bytes) {
    unsigned int order = get_order(bytes);
    struct page* page = alloc_pages(RUN_GFP | __GFP_ZERO, order);

    if (!page) {
        return NULL;
    }
    /* The first 16 MiB are for devices that can reach no more. */
    if (page_zonenum(page) == ZONE_DMA) {
        __free_pages(page, order);
        return NULL;
    }
    split_page(page, order);
    return page;
}

/*
 * The first page of [start, start + pages) that forbids the whole range, or its end. A guess without locks,
 * as pages come and go: it only saves futile attempts. Movable are free pages and those on the LRU lists; a
 * free huge page belongs to its pool.
 */
static unsigned long first_obstacle(struct zone* zone, unsigned long start, unsigned long pages) {
    unsigned long pfn;

    for (pfn = start; pfn < start + pages; pfn++) {
        struct page* page = pfn_to_online_page(pfn);

        if (!page || page_zone(page) != zone || PageReserved(page) || PageHuge(page) ||
            (page_ref_count(page) && !PageLRU(page))) {
            break;
        }
    }
    return pfn;
}

static int take_run(unsigned long start) {
    unsigned long i;
#if COOP_PROBE_ALLOC_CONTIG_FLAGS
    int error = alloc_contig_range(start, start + RUN_PAGES, ACR_FLAGS_NONE, RUN_GFP);
#else
    int error = alloc_contig_range(start, start + RUN_PAGES, MIGRATE_MOVABLE, RUN_GFP);
#endif

    for (i = 0; !error && !want_init_on_alloc(RUN_GFP) && i < RUN_PAGES; i++) {
        clear_highpage(pfn_to_page(start + i));
    }
    return error;
}

/*
 * Run by run, since alloc_contig_range() clears what it takes without a pause, and an emulator needs tens of
 * seconds for as many pages as a kernel has, if they held code.
 */
static struct page* take_range(unsigned long start, unsigned long pages) {
    unsigned long taken;

    for (taken = 0; taken < pages; taken += RUN_PAGES) {
        if (take_run(start + taken)) {
            if (taken) {
                free_contig_range(start, taken);
            }
            return NULL;
        }
        cond_resched();
    }
    return pfn_to_page(start);
}

static struct page* take_from_zone(struct zone* zone, unsigned long pages) {
    unsigned long start = ALIGN(zone->zone_start_pfn, RUN_PAGES);

    while (start + pages <= zone_end_pfn(zone) && !fatal_signal_pending(current)) {
        unsigned long obstacle = first_obstacle(zone, start, pages);

        if (obstacle == start + pages) {
            struct page* page = take_range(start, pages);

            if (page) {
                return page;
            }
        }
        start = ALIGN(obstacle + 1, RUN_PAGES);
        cond_resched();
    }
    return NULL;
}

/* Memory above 4 GiB first: below it, devices with short addresses compete. Movable zones are not for pages
 * that stay. */
static struct page* take_contiguous(unsigned long pages) {
    static const enum zone_type zones[] = {ZONE_NORMAL, ZONE_DMA32};
    unsigned int i;
    int node;

    for (i = 0; i < ARRAY_SIZE(zones); i++) {
        for_each_online_node(node) {
            struct zone* zone = &NODE_DATA(node)->node_zones[zones[i]];
            struct page* page = populated_zone(zone) ? take_from_zone(zone, pages) : NULL;

            if (page) {
                return page;
            }
        }
    }
    return NULL;
}

int coop_host_ram_alloc(uint64_t bytes, uint64_t* phys) {
    struct page* page = NULL;

    if (!bytes || bytes % RUN_BYTES) {
        return -COOP_E_INVALID;
    }
    if (bytes > coop_host_ram_available()) {
        return -COOP_E_NO_MEMORY;
    }
    if (bytes <= BUDDY_BYTES) {
        page = take_from_buddy(bytes);
    }
    if (!page && bytes > RUN_BYTES) {
        page = take_contiguous(bytes >> PAGE_SHIFT);
    }
    if (!page) {
        return -COOP_E_NO_MEMORY;
    }
    *phys = PFN_PHYS(page_to_pfn(page));
    return 0;
}

/*
 * Cleared, even if the host clears what it allocates: the guest's secrets do not outlive it, and an emulator
 * needs milliseconds for each page that held code, which a huge page's next owner would spend without a
 * pause.
 */
void coop_host_ram_free(uint64_t phys, uint64_t bytes) {
    unsigned long first = phys >> PAGE_SHIFT;
    unsigned long i;

    for (i = 0; i < bytes >> PAGE_SHIFT; i++) {
        struct page* page = pfn_to_page(first + i);

        clear_highpage(page);
        __free_page(page);
        cond_resched();
    }
}

void* coop_host_ram_va(uint64_t phys) {
    return __va(phys);
}
