/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Do the vector registers keep their values? coop_vectors SECONDS [SEED]: some processes fill x87, SSE, AVX
 * and whatever else there is with values of their own, hold them over interrupts, system calls, page faults
 * and switches, and compare. Another process, another kernel, another seed: another's value is told from
 * one's own. Exits with 1 and names the first register that differs. SIGTERM to its process group is an
 * early, but regular end.
 *
 * As the only process of a guest it prints the same, then "end N" with that exit status, and stays.
 */
#define _GNU_SOURCE
#include "hold.h"
#include "image.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { workers = 3, pages = 512, page_bytes = 4096 };
static const uint64_t counts[HOLD_KINDS] = {
    [HOLD_SPIN] = 4000000, [HOLD_CALL] = 1000, [HOLD_YIELD] = 300, [HOLD_FAULT] = pages};
static const char* const kinds[HOLD_KINDS] = {"a spin", "system calls", "yields", "page faults"};

static volatile sig_atomic_t told_to_stop;
static void stop(int signal) {
    (void)signal;
    told_to_stop = 1;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

/* One process of its own: returns its exit status. */
static int work(double seconds, uint64_t random) {
    static _Alignas(image_align) unsigned char image[image_bytes], found[image_bytes];
    const uint64_t components = image_components();
    char* area = mmap(NULL, pages * page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (area == MAP_FAILED) {
        perror("mmap");
        return 2;
    }
    const double end = now() + seconds;
    unsigned long rounds = 0;
    while (now() < end && !told_to_stop) {
        for (int kind = 0; kind < HOLD_KINDS; ++kind, ++rounds) {
            char text[400];
            madvise(area, pages * page_bytes, MADV_DONTNEED); /* so that they fault again */
            image_fill(image, components, &random);
            hold(image, found, components, kind, counts[kind], area);
            if (image_differs(image, found, components, text, sizeof(text))) {
                printf("round %lu, across %s: %s\n", rounds, kinds[kind], text);
                fflush(stdout);
                return 1;
            }
        }
    }
    printf("rounds: %lu\n", rounds);
    return 0;
}

static int run(double seconds, uint64_t seed) {
    int result = 0;
    image_print_components(image_components());
    fflush(stdout);
    for (unsigned n = 1; n <= workers; ++n) {
        const pid_t pid = fork();
        if (pid < 0) {
            perror("fork");
            return 2;
        }
        if (pid == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            exit(work(seconds, (seed * workers + n) * 0x9e3779b97f4a7c15ull));
        }
    }
    for (int status; wait(&status) > 0;) {
        if (WIFSIGNALED(status))
            printf("a process was killed by signal %d\n", WTERMSIG(status));
        if (status != 0 && result == 0)
            result = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
    }
    return result;
}

int main(int argc, char** argv) {
    const double seconds = argc > 1 ? atof(argv[1]) : 0;
    if (seconds <= 0) {
        fprintf(stderr, "usage: coop_vectors SECONDS [SEED]\n");
        return 2;
    }
    signal(SIGTERM, stop);
    const int result = run(seconds, argc > 2 ? strtoull(argv[2], NULL, 0) : 0);
    if (getpid() == 1) {
        printf("end %d\n", result);
        fflush(stdout);
        for (;;)
            pause();
    }
    return result;
}
