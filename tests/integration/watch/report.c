/* SPDX-License-Identifier: GPL-2.0-only */
/* The report's file and the table of records in it. */
#include "report.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

struct watch_report* watch_report_create(const char* path) {
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return NULL;
    struct watch_report* report = NULL;
    if (ftruncate(fd, sizeof(*report)) == 0) {
        void* map = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (map != MAP_FAILED) {
            report = map;
            report->magic = WATCH_MAGIC;
        }
    }
    close(fd);
    return report;
}

struct watch_record* watch_report_record(struct watch_report* report, uint64_t address, const char* what,
                                         uint32_t detail) {
    struct watch_record* record = NULL;
    pthread_mutex_lock(&lock);
    for (uint32_t i = 0; i < report->used && !record; i++) {
        struct watch_record* candidate = &report->records[i];
        if (candidate->address == address && candidate->detail == detail && !strcmp(candidate->what, what))
            record = candidate;
    }
    if (!record && report->used < WATCH_RECORDS) {
        record = &report->records[report->used];
        record->address = address;
        record->detail = detail;
        strncpy(record->what, what, sizeof(record->what) - 1);
        __atomic_store_n(&report->used, report->used + 1, __ATOMIC_RELEASE);
    } else if (!record) {
        report->lost++;
    }
    pthread_mutex_unlock(&lock);
    return record;
}
