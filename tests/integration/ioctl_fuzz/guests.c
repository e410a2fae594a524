/* SPDX-License-Identifier: GPL-2.0-only */
/* Guests that are nearly right: created, given a shared area, started; for inert handles only. */
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "payload.h"
#include "tiny.h"

void nearly_create(struct worker* worker, int file) {
    union coop_payload payload = {0};

    fill_create(&worker->dice, &payload.create);
    send_from(worker, file, COOP_REQUEST_CREATE, &payload);
}

/* A shared area at a random place of a random extent, each of its fields right or at an edge. */
static void fill_shared(struct dice* dice, struct coop_shared* shared, uint64_t room) {
    *shared = (struct coop_shared){.magic = COOP_SHARED_MAGIC,
                                   .abi_major = COOP_ABI_MAJOR,
                                   .size = (uint32_t)room,
                                   .vcpus = 1,
                                   .vcpu_offset = (uint32_t)below(dice, room / 8) * 8,
                                   .devices = (uint32_t)below(dice, COOP_MAX_DEVICES + 2)};
    switch (below(dice, 4)) {
    case 0:
        ((uint32_t*)shared)[below(dice, sizeof(*shared) / 4)] = (uint32_t)edge(dice);
        break;
    case 1: /* the page just fits, or just does not */
        shared->vcpu_offset = (uint32_t)room - PAGE + 8 * (uint32_t)below(dice, 2);
        break;
    }
}

void nearly_start(struct worker* worker, int file) {
    struct dice* dice = &worker->dice;
    struct coop_extent extents[16];
    struct coop_extents list = {.array_ptr = (uintptr_t)extents, .capacity = 16};
    union coop_payload payload = {0};

    if (ioctl(file, COOP_REQUEST(EXTENTS, list), &list) < 0 || list.count == 0)
        return;
    const struct coop_extent* extent = &extents[below(dice, list.count < 16 ? list.count : 16)];
    unsigned char* ram =
        mmap(NULL, LARGE_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, (off_t)extent->map_offset);
    if (ram == MAP_FAILED)
        return;
    uint64_t offset = LARGE_PAGE - 8 * (8 + below(dice, 4096));
    struct coop_shared shared;
    fill_shared(dice, &shared, LARGE_PAGE - offset);
    /* Another thread may have put another file there: then this is that file's memory, or none. */
    for (size_t i = 0; i < sizeof(shared); i++) {
        if (!touch(ram + offset + i, false))
            break;
        ram[offset + i] = ((unsigned char*)&shared)[i];
    }
    payload.start = (struct coop_start){.entry_gpa = extent->gpa + below(dice, LARGE_PAGE),
                                        .boot_params_gpa = extent->gpa + below(dice, LARGE_PAGE),
                                        .shared_gpa = extent->gpa + offset};
    if (once_in(dice, 4))
        set_word(&payload, below(dice, 3), edge(dice));
    send_from(worker, file, COOP_REQUEST_START, &payload);
    munmap(ram, LARGE_PAGE);
}
