/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the watch saw: a file that is mapped while QEMU runs, so it is up to date at any time and survives any
 * end of QEMU. Read by harness/watch.py.
 */
#ifndef COOP_WATCH_REPORT_H
#define COOP_WATCH_REPORT_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#define WATCH_MAGIC 0x3168637461776f63ull /* "cowatch1" */
#define WATCH_RECORDS 8192
#define WATCH_PAGES (1 << 20) /* of 4 KiB: 4 GiB */
#define WATCH_UNKNOWN 0xffffffffu

/* An instruction of the guest's that could concern hardware. */
struct watch_record {
    uint64_t address;  /* virtual, as first translated */
    uint64_t count;    /* executions in the guest's world */
    uint64_t physical; /* of the first access, for memory-mapped I/O */
    uint32_t detail;   /* MSR or port, if it is in the code; else WATCH_UNKNOWN */
    uint32_t reserved;
    char what[16];   /* "wrmsr", "out", "mmio write" … */
    char device[48]; /* QEMU's name of the region */
};

struct watch_report {
    uint64_t magic;
    uint32_t used;     /* records */
    uint32_t lost;     /* records and pages for which there was no room */
    uint64_t entries;  /* times a guest was entered */
    uint64_t first;    /* address of the first instruction a guest executed */
    uint64_t executed; /* instructions executed by guests; approximate with more than one CPU */
    uint64_t accesses; /* memory accesses of the guests' kernels that were looked at; likewise */
    uint64_t reserved[506];
    struct watch_record records[WATCH_RECORDS];
    uint64_t pages[WATCH_PAGES]; /* address of the first instruction in a guest's kernel that touched this RAM
                                    page; 0: none */
};

/* Creates the file; NULL and errno on failure. */
struct watch_report* watch_report_create(const char* path);
/* The record of this instruction; NULL, and counted as lost, if there is no room. Any thread. */
struct watch_record* watch_report_record(struct watch_report* report, uint64_t address, const char* what,
                                         uint32_t detail);

static_assert(sizeof(struct watch_record) == 96, "as harness/watch.py reads it");

#endif
