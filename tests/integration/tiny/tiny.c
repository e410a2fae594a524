/* SPDX-License-Identifier: GPL-2.0-only */
/* Making a tiny guest; see tiny.h. */
#include "tiny.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

extern const char tiny_start[], tiny_end[];

enum { CODE_AT = 0x10000, PARAMETERS_AT = 0x20000, SHARED_AT = 0x40000, SHARED_BYTES = 0x3000 };

static void place(struct tiny* tiny, uint64_t gpa, unsigned mode, uint64_t count, uint64_t ticks,
                  uint32_t devices, uint64_t tsc_khz) {
    struct coop_shared* shared = (void*)(tiny->ram + SHARED_AT);

    memcpy(tiny->ram + CODE_AT, tiny_start, tiny_end - tiny_start);
    *shared = (struct coop_shared){.magic = COOP_SHARED_MAGIC,
                                   .abi_major = COOP_ABI_MAJOR,
                                   .size = SHARED_BYTES,
                                   .vcpus = 1,
                                   .vcpu_offset = 0x1000,
                                   .devices = devices,
                                   .device_offset = 0x2000,
                                   .tsc_khz = tsc_khz};
    tiny->parameters = (void*)(tiny->ram + PARAMETERS_AT);
    *tiny_parameter(tiny, PARAM_MODE) = mode;
    *tiny_parameter(tiny, PARAM_COUNT) = count;
    *tiny_parameter(tiny, PARAM_VCPU_PAGE) = gpa + SHARED_AT + shared->vcpu_offset;
    *tiny_parameter(tiny, PARAM_TICKS) = ticks ? ticks : tsc_khz;
    tiny->start = (struct coop_start){
        .entry_gpa = gpa + CODE_AT, .boot_params_gpa = gpa + PARAMETERS_AT, .shared_gpa = gpa + SHARED_AT};
}

int tiny_make(int device, const char* name, unsigned mode, uint64_t count, uint64_t ticks, uint32_t devices,
              struct tiny* tiny, const char** what) {
    struct coop_create create = {.ram_bytes = 2ull * TINY_RAM_BYTES, .vcpus = 1, .runs = {TINY_RAM_BYTES}};
    struct coop_extent extents[2];
    struct coop_extents list = {.array_ptr = (uintptr_t)extents, .capacity = 2};
    struct coop_host_info host;

    snprintf(create.name, sizeof(create.name), "%s", name);
    *what = "HOST";
    if (ioctl(device, COOP_REQUEST(HOST, host), &host) < 0)
        return -1;
    *what = "CREATE";
    if (ioctl(device, COOP_REQUEST(CREATE, create), &create) < 0)
        return -1;
    *what = "EXTENTS";
    if (ioctl(device, COOP_REQUEST(EXTENTS, list), &list) < 0)
        return -1;
    /* Two extents: the run and the rest, sorted by address. */
    const struct coop_extent* run = extents[0].run == 0 ? &extents[0] : &extents[1];
    *what = "mmap";
    tiny->ram =
        mmap(NULL, TINY_RAM_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, device, (off_t)run->map_offset);
    if (tiny->ram == MAP_FAILED)
        return -1;
    place(tiny, run->gpa, mode, count, ticks, devices, host.tsc_khz);
    return 0;
}

void tiny_unmap(struct tiny* tiny) {
    munmap(tiny->ram, TINY_RAM_BYTES);
}
