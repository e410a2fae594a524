/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Runs the tiny guest by bare ioctls, without the per-guest process: run MODE COUNT [TICKS]. Prints how it
 * ended and the counters, one "name value" a line, and exits with 0 whatever the guest's end; another status
 * means that an ioctl failed.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "coop/ioctl.h"

#define REQUEST(number, type) \
    _IOC(_IOC_READ | _IOC_WRITE, COOP_IOCTL_TYPE, COOP_REQUEST_##number, sizeof(type))

extern const char tiny_start[], tiny_end[];

static void call(int fd, unsigned long request, void* payload, const char* what) {
    if (ioctl(fd, request, payload) < 0) {
        perror(what);
        exit(1);
    }
}

int main(int argc, char** argv) {
    enum { large = 2 << 20, code_at = 0x10000, parameters_at = 0x20000, shared_at = 0x40000 };
    struct coop_create create = {.ram_bytes = 2 * large, .vcpus = 1, .runs = {large}};
    struct coop_extent extents[8];
    struct coop_extents list = {.array_ptr = (uintptr_t)extents, .capacity = 8};
    struct coop_host_info host;
    struct coop_run run = {0};
    struct coop_stats stats;
    char log[256];
    struct coop_log read_log = {.data_ptr = (uintptr_t)log, .capacity = sizeof(log)};

    if (argc < 3)
        return 2;
    int fd = open("/dev/coop", O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        perror("/dev/coop");
        return 1;
    }
    snprintf(create.name, sizeof(create.name), "tiny-%d", getpid());
    call(fd, REQUEST(HOST, host), &host, "HOST");
    call(fd, REQUEST(CREATE, create), &create, "CREATE");
    call(fd, REQUEST(EXTENTS, list), &list, "EXTENTS");
    unsigned first = 0;
    while (extents[first].run != 0)
        first++;
    unsigned char* ram = mmap(NULL, large, PROT_READ | PROT_WRITE, MAP_SHARED, fd, extents[first].map_offset);
    if (ram == MAP_FAILED) {
        perror("mmap");
        return 1;
    }
    uint64_t gpa = extents[first].gpa;
    memcpy(ram + code_at, tiny_start, tiny_end - tiny_start);
    struct coop_shared* shared = (void*)(ram + shared_at);
    *shared = (struct coop_shared){.magic = COOP_SHARED_MAGIC,
                                   .abi_major = COOP_ABI_MAJOR,
                                   .size = 0x3000,
                                   .vcpus = 1,
                                   .vcpu_offset = 0x1000,
                                   .device_offset = 0x2000,
                                   .tsc_khz = host.tsc_khz};
    uint64_t* parameters = (void*)(ram + parameters_at);
    parameters[0] = strtoull(argv[1], NULL, 0);
    parameters[1] = strtoull(argv[2], NULL, 0);
    parameters[2] = gpa + shared_at + shared->vcpu_offset;
    parameters[3] = argc > 3 ? strtoull(argv[3], NULL, 0) : host.tsc_khz;

    struct coop_start start = {
        .entry_gpa = gpa + code_at, .boot_params_gpa = gpa + parameters_at, .shared_gpa = gpa + shared_at};
    call(fd, REQUEST(START, start), &start, "START");
    call(fd, REQUEST(RUN, run), &run, "RUN");
    call(fd, REQUEST(STATS, stats), &stats, "STATS");
    call(fd, REQUEST(LOG, read_log), &read_log, "LOG");
    printf("end %u\ndetail %llu\nrip_offset %lld\n", run.end, (unsigned long long)run.detail,
           (long long)(run.rip - gpa - code_at));
    printf("log %.*s", (int)read_log.count, log);
    printf("elapsed %llu\nevents %llu\nspins %llu\nswitches %llu\ninterrupts %llu\ninjected %llu\nself "
           "%llu\nnmis %llu\naborts %llu\n",
           (unsigned long long)parameters[6], (unsigned long long)parameters[4],
           (unsigned long long)parameters[5], (unsigned long long)stats.switches,
           (unsigned long long)stats.interrupts_forwarded, (unsigned long long)stats.events_injected,
           (unsigned long long)stats.self_interrupts, (unsigned long long)stats.nmis_forwarded,
           (unsigned long long)stats.entries_aborted);
    return 0;
}
