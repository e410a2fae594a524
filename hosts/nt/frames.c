// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the guest's RAM comes from: contiguous frames, cleared and locked, as an MDL that lists them in
 * order.
 *
 * NT gives contiguous pieces of a power of two, aligned to their size. A run of another size, and on kernels
 * that do not know of pieces (ReactOS) each run, is a window: a range of addresses from which all pages are
 * asked for, and kept only if all came. The place is where a piece has just been, or is searched. NT clears
 * what it gives, also to the next owner of these pages.
 */
#include "shim.h"

#define LEAST_ADDRESS (16 * COOP_MIB) /* below are devices that can reach no more */
#define LARGEST_RUN (2048 * COOP_MIB) /* an MDL counts bytes in 32 bits */
#define PROBE_BYTES 0x10000

#define IN_PIECES (MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS | MM_ALLOCATE_FULLY_REQUIRED)

static bool knows_pieces;

static PMDL allocate(uint64_t low, uint64_t high, uint64_t piece, uint64_t bytes, ULONG flags) {
    PHYSICAL_ADDRESS least = {.QuadPart = low}, last = {.QuadPart = high}, skip = {.QuadPart = piece};

    return MmAllocatePagesForMdlEx(least, last, skip, bytes, MmCached, flags);
}

void coop_frames_give(PMDL mdl) {
    MmFreePagesFromMdl(mdl);
    ExFreePool(mdl);
}

/* Asked for, since versions tell little. */
static bool probe_pieces(void) {
    PMDL mdl = allocate(LEAST_ADDRESS, MAXLONG64, PROBE_BYTES, PROBE_BYTES, IN_PIECES);

    if (mdl) {
        coop_frames_give(mdl);
    }
    return mdl != NULL;
}

/* Whether the MDL holds each frame of the range; then in order. */
static bool is_whole(PMDL mdl, uint64_t phys, uint64_t bytes) {
    PFN_NUMBER* frames = MmGetMdlPfnArray(mdl);
    PFN_NUMBER first = phys >> PAGE_SHIFT, count = bytes >> PAGE_SHIFT, i;

    if (MmGetMdlByteCount(mdl) != bytes) {
        return false;
    }
    for (i = 0; i < count; i++) { /* no frame comes twice */
        if (frames[i] - first >= count) {
            return false;
        }
    }
    for (i = 0; i < count; i++) {
        frames[i] = first + i;
    }
    return true;
}

static PMDL keep_if_whole(PMDL mdl, uint64_t phys, uint64_t bytes) {
    if (mdl && !is_whole(mdl, phys, bytes)) {
        coop_frames_give(mdl);
        mdl = NULL;
    }
    return mdl;
}

static PMDL take_window(uint64_t phys, uint64_t bytes) {
    PMDL mdl;

    if (coop_ram_has(phys, bytes)) {
        return NULL;
    }
    /* ReactOS takes the last address for the first one behind. */
    mdl = knows_pieces ? allocate(phys, phys + bytes - 1, COOP_RUN_BYTES, bytes, IN_PIECES)
                       : allocate(phys, phys + bytes, 0, bytes, 0);
    return keep_if_whole(mdl, phys, bytes);
}

static uint64_t power_of_two(uint64_t least) {
    return least & (least - 1) ? 1ull << (64 - __builtin_clzll(least)) : least;
}

/* Where a piece that holds the run has been free just now; then it is kept, or most of it is given back. */
static PMDL take_from_piece(uint64_t bytes, uint64_t* phys) {
    uint64_t piece = power_of_two(bytes);
    bool fits = piece == bytes;
    PMDL mdl = allocate(LEAST_ADDRESS, MAXLONG64, piece, piece,
                        fits ? IN_PIECES : IN_PIECES | MM_DONT_ZERO_ALLOCATION);

    if (!mdl) {
        return NULL;
    }
    *phys = (uint64_t)MmGetMdlPfnArray(mdl)[0] << PAGE_SHIFT;
    if (fits && *phys % COOP_RUN_BYTES == 0) {
        return keep_if_whole(mdl, *phys, bytes);
    }
    coop_frames_give(mdl);
    return *phys % COOP_RUN_BYTES ? NULL : take_window(*phys, bytes);
}

/* From the top: below 4 GiB, devices with short addresses compete. */
static PMDL take_from_range(uint64_t begin, uint64_t end, uint64_t bytes, uint64_t* phys) {
    uint64_t least = max((begin + COOP_RUN_BYTES - 1) & ~(COOP_RUN_BYTES - 1), LEAST_ADDRESS);

    end &= ~(COOP_RUN_BYTES - 1);
    for (; end >= least && end - least >= bytes && !coop_host_yield(); end -= COOP_RUN_BYTES) {
        PMDL mdl = take_window(end - bytes, bytes);

        if (mdl) {
            *phys = end - bytes;
            return mdl;
        }
    }
    return NULL;
}

static PMDL take_anywhere(uint64_t bytes, uint64_t* phys) {
    PPHYSICAL_MEMORY_RANGE ranges = MmGetPhysicalMemoryRanges();
    PMDL mdl = NULL;
    unsigned int i = 0;

    if (!ranges) {
        return NULL;
    }
    while (ranges[i].NumberOfBytes.QuadPart) {
        i++;
    }
    while (i-- && !mdl) {
        uint64_t begin = ranges[i].BaseAddress.QuadPart;

        mdl = take_from_range(begin, begin + ranges[i].NumberOfBytes.QuadPart, bytes, phys);
    }
    ExFreePool(ranges);
    return mdl;
}

PMDL coop_frames_take(uint64_t bytes, uint64_t* phys) {
    PMDL mdl = NULL;

    if (bytes > LARGEST_RUN) {
        return NULL;
    }
    if (!knows_pieces) {
        knows_pieces = probe_pieces();
    }
    if (knows_pieces) {
        mdl = take_from_piece(bytes, phys);
    }
    return mdl ? mdl : take_anywhere(bytes, phys);
}

/* Of ZwQuerySystemInformation; the latter grows with the versions of NT. */
enum { SYSTEM_BASIC_INFORMATION = 0, SYSTEM_PERFORMANCE_INFORMATION = 2, ROOM_TO_GROW = 2048 };
struct basic_information {
    ULONG reserved, timer_resolution, page_bytes, physical_pages;
    ULONG lowest_page, highest_page, granularity;
    ULONG_PTR least_address, last_address, affinity;
    CCHAR processors;
};
struct performance_information {
    LARGE_INTEGER idle_time, transferred[3];
    ULONG operations[3], available_pages;
    UCHAR more[ROOM_TO_GROW];
};

static uint64_t physical_bytes(void) {
    struct basic_information basic = {0};

    ZwQuerySystemInformation(SYSTEM_BASIC_INFORMATION, &basic, sizeof(basic), NULL);
    return (uint64_t)basic.physical_pages * COOP_PAGE_BYTES;
}

uint64_t coop_host_ram_available(void) {
    /* Left to the host: a sixteenth of its memory, 64 MiB at least. */
    uint64_t reserve = max(64 * COOP_MIB, physical_bytes() / 16);
    uint64_t available = 0;
    struct performance_information* performance = coop_host_alloc(sizeof(*performance));

    if (performance && NT_SUCCESS(ZwQuerySystemInformation(SYSTEM_PERFORMANCE_INFORMATION, performance,
                                                           sizeof(*performance), NULL))) {
        available = (uint64_t)performance->available_pages * COOP_PAGE_BYTES;
    }
    coop_host_free(performance);
    return available > reserve ? available - reserve : 0;
}
