/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a kernel's everyday operations take: coop_bench [ROUNDS]. Prints "ROUND NAME TICKS": TSC ticks for one
 * operation, on one CPU. As the only process of a machine it first prints "boot NS TICKS" (the kernel's clock
 * and the TSC as it finds them), and at last "end 0", and stays. coop_bench tsc prints the TSC; coop_bench
 * clock "TSC NS", what the system's clock showed at that TSC.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

enum { page_bytes = 4096, fault_pages = 2000 };
static char* self;

static void must(int condition, const char* what) {
    if (condition)
        return;
    perror(what);
    exit(1);
}

static void cpu_loop(unsigned count) {
    uint64_t value = count;
    for (unsigned i = 0; i < count; ++i) {
        value = value * 6364136223846793005ull + 1442695040888963407ull;
        __asm__ volatile("" : "+r"(value));
    }
}

static void system_call(unsigned count) {
    for (unsigned i = 0; i < count; ++i)
        syscall(SYS_getppid);
}

/* By reading: a page for writing would be cleared first, which takes longer than the fault. */
static void page_fault(unsigned count) {
    for (unsigned done = 0; done < count; done += fault_pages) {
        volatile char* area =
            mmap(NULL, fault_pages * page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        must(area != MAP_FAILED, "mmap");
        for (unsigned i = 0; i < fault_pages; ++i)
            (void)area[i * page_bytes];
        munmap((void*)area, fault_pages * page_bytes);
    }
}

static void fork_exec(unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
        const pid_t pid = fork();
        must(pid >= 0, "fork");
        if (pid == 0) {
            execl(self, self, "exit", NULL);
            _exit(127);
        }
        int status;
        must(waitpid(pid, &status, 0) == pid && status == 0, "fork and exec");
    }
}

/* Two switches a turn: a byte to the other process and back. */
static void context_switch(unsigned count) {
    int there[2], back[2];
    char byte = 0;
    must(pipe(there) == 0 && pipe(back) == 0, "pipe");
    const pid_t pid = fork();
    must(pid >= 0, "fork");
    if (pid == 0) {
        for (unsigned i = 0; i < count / 2; ++i)
            must(read(there[0], &byte, 1) == 1 && write(back[1], &byte, 1) == 1, "pipe");
        _exit(0);
    }
    for (unsigned i = 0; i < count / 2; ++i)
        must(write(there[1], &byte, 1) == 1 && read(back[0], &byte, 1) == 1, "pipe");
    waitpid(pid, NULL, 0);
    for (int i = 0; i < 2; ++i) {
        close(there[i]);
        close(back[i]);
    }
}

static const struct {
    const char* name;
    void (*run)(unsigned count);
    unsigned count;
} benchmarks[] = {
    {"cpu-loop", cpu_loop, 100000000},
    {"system-call", system_call, 500000},
    {"fork-exec", fork_exec, 600},
    {"page-fault", page_fault, 200000},
    {"context-switch", context_switch, 50000},
};

/* The reading that took least time is the one that was not interrupted. */
static int print_clock(void) {
    uint64_t least = UINT64_MAX, tsc = 0;
    struct timespec best = {0};
    for (int i = 0; i < 10000; ++i) {
        struct timespec time;
        const uint64_t before = __rdtsc();
        clock_gettime(CLOCK_REALTIME, &time);
        const uint64_t took = __rdtsc() - before;
        if (took < least) {
            least = took;
            tsc = before + took / 2;
            best = time;
        }
    }
    return printf("%llu %lld\n", (unsigned long long)tsc, best.tv_sec * 1000000000ll + best.tv_nsec) < 0;
}

int main(int argc, char** argv) {
    const uint64_t ticks = __rdtsc();
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    self = argv[0];
    if (argc > 1 && strcmp(argv[1], "exit") == 0)
        return 0;
    if (argc > 1 && strcmp(argv[1], "tsc") == 0)
        return printf("%llu\n", (unsigned long long)ticks) < 0;
    if (argc > 1 && strcmp(argv[1], "clock") == 0)
        return print_clock();
    if (getpid() == 1)
        printf("boot %lld %llu\n", time.tv_sec * 1000000000ll + time.tv_nsec, (unsigned long long)ticks);

    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(0, &cpus);
    must(sched_setaffinity(0, sizeof(cpus), &cpus) == 0, "sched_setaffinity");
    const int rounds = argc > 1 ? atoi(argv[1]) : 1;
    for (int round = 0; round < rounds; ++round) {
        for (unsigned i = 0; i < sizeof(benchmarks) / sizeof(benchmarks[0]); ++i) {
            fflush(stdout); /* or children would inherit it */
            const uint64_t begin = __rdtsc();
            benchmarks[i].run(benchmarks[i].count);
            printf("%d %s %.3f\n", round, benchmarks[i].name,
                   (double)(__rdtsc() - begin) / benchmarks[i].count);
        }
    }
    fflush(stdout);
    if (getpid() == 1) {
        printf("end 0\n");
        fflush(stdout);
        for (;;)
            pause();
    }
    return 0;
}
