// SPDX-License-Identifier: GPL-2.0-only
/* Physical memory: a bitmap of 4 KiB frames behind the image, first fit. Frames are cleared when taken, and
 * filled with INT3 when given back, so that whoever still uses them is found out. */
#include "lock.h"
#include "metal.h"
#include "ports.h"

enum { MAX_FRAMES = 1 << 18, POISON = 0xcc };

extern const char image_end[];

static uint8_t taken[MAX_FRAMES / 8];
static uint64_t base, count, in_use;
static struct metal_lock lock;

void metal_frames_init(uint64_t end) {
    base = (uint64_t)image_end - IMAGE_BASE;
    count = (end - base) / PAGE_BYTES;
    if (count > MAX_FRAMES)
        count = MAX_FRAMES;
}

static bool is_taken(uint64_t frame) {
    return taken[frame / 8] >> frame % 8 & 1;
}

static void mark(uint64_t first, uint64_t pages, bool as) {
    for (uint64_t frame = first; frame < first + pages; frame++) {
        if (is_taken(frame) == as)
            metal_panic(as ? "frame taken twice" : "frame given back twice");
        taken[frame / 8] ^= (uint8_t)(1 << frame % 8);
    }
    in_use += as ? pages : -pages;
}

uint64_t metal_frames_take(uint64_t pages, uint64_t align) {
    uint64_t flags = interrupts_save();
    uint64_t first = 0, length = 0, found = 0;

    lock_take(&lock);
    for (uint64_t frame = 0; frame < count && length < pages; frame++) {
        bool fits = length || (base / PAGE_BYTES + frame) % align == 0;

        if (is_taken(frame) || !fits) {
            length = 0;
            continue;
        }
        if (!length++)
            first = frame;
    }
    if (pages && length == pages) {
        mark(first, pages, true);
        found = base + first * PAGE_BYTES;
    }
    lock_release(&lock);
    interrupts_restore(flags);
    if (found)
        memset(metal_va(found), 0, pages * PAGE_BYTES);
    return found;
}

void metal_frames_give(uint64_t phys, uint64_t pages) {
    uint64_t first = (phys - base) / PAGE_BYTES;

    if (phys < base || phys % PAGE_BYTES || first + pages > count)
        metal_panic("frames given back that are not ours");
    memset(metal_va(phys), POISON, pages * PAGE_BYTES);

    uint64_t flags = interrupts_save();
    lock_take(&lock);
    mark(first, pages, false);
    lock_release(&lock);
    interrupts_restore(flags);
}

uint64_t metal_frames_taken(void) {
    return in_use;
}

uint64_t coop_host_ram_available(void) {
    return (count - in_use) * PAGE_BYTES;
}
