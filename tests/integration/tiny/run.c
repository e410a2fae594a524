/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Runs the tiny guest: coop_tiny MODE COUNT [TICKS]. Prints how it ended and the counters, one "name value" a
 * line, and exits with 0 whatever the guest's end; another status means that an ioctl failed.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tiny.h"

static void call(int fd, unsigned long request, void* payload, const char* what) {
    if (ioctl(fd, request, payload) < 0) {
        perror(what);
        exit(1);
    }
}

static void print(const char* name, uint64_t value) {
    printf("%s %llu\n", name, (unsigned long long)value);
}

int main(int argc, char** argv) {
    struct coop_run run = {0};
    struct coop_stats stats;
    char name[COOP_NAME_BYTES], log[256];
    struct coop_log read_log = {.data_ptr = (uintptr_t)log, .capacity = sizeof(log)};
    struct tiny tiny;
    const char* what = NULL;

    if (argc < 3)
        return 2;
    int fd = open("/dev/coop", O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        perror("/dev/coop");
        return 1;
    }
    snprintf(name, sizeof(name), "tiny-%d", getpid());
    if (tiny_make(fd, name, strtoul(argv[1], NULL, 0), strtoull(argv[2], NULL, 0),
                  argc > 3 ? strtoull(argv[3], NULL, 0) : 0, 0, &tiny, &what) < 0) {
        perror(what);
        return 1;
    }
    call(fd, COOP_REQUEST(START, tiny.start), &tiny.start, "START");
    call(fd, COOP_REQUEST(RUN, run), &run, "RUN");
    call(fd, COOP_REQUEST(STATS, stats), &stats, "STATS");
    call(fd, COOP_REQUEST(LOG, read_log), &read_log, "LOG");
    print("end", run.end);
    print("detail", run.detail);
    printf("rip_offset %lld\n", (long long)(run.rip - tiny.start.entry_gpa));
    printf("log %.*s", (int)read_log.count, log);
    print("elapsed", *tiny_parameter(&tiny, PARAM_ELAPSED));
    print("events", *tiny_parameter(&tiny, PARAM_EVENTS));
    print("spins", *tiny_parameter(&tiny, PARAM_SPINS));
    print("switches", stats.switches);
    print("interrupts", stats.interrupts_forwarded);
    print("injected", stats.events_injected);
    print("self_interrupts", stats.self_interrupts);
    print("nmis", stats.nmis_forwarded);
    print("aborts", stats.entries_aborted);
    return 0;
}
