/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * coop_ioctl_fuzz SEED COUNT [THREADS]: random steps on /dev/coop, COUNT in all, by several threads, which a
 * seed repeats as far as scheduling lets it. Prints what each request was answered, and exits with 1 if an
 * answer was one that must not be. That the host lives and its log is clean is for the caller to see.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tally.h"
#include "tiny.h"
#include "worker.h"

enum { THREADS_MOST = 64, CHILD_STEPS = 24, SIGNAL_EVERY_US = 5000 };

static uint64_t steps_each;

/* What a file of any kind can be asked. */
static void ask_as_a_file(struct worker* worker) {
    int handle = any_handle(worker);
    struct pollfd ready = {.fd = handle, .events = POLLIN | POLLOUT};

    switch (below(&worker->dice, 6)) {
    case 0:
        (void)!read(handle, worker->scratch, PAGE);
        break;
    case 1:
        (void)!write(handle, worker->scratch, PAGE);
        break;
    case 2:
        poll(&ready, 1, 0);
        break;
    case 3:
        (void)!ftruncate(handle, (off_t)below(&worker->dice, PAGE));
        break;
    case 4:
        fsync(handle);
        break;
    case 5:
        fcntl(handle, F_SETFL, O_NONBLOCK | O_DIRECT);
        break;
    }
}

static void step(struct worker* worker);

/* A child has the handles and not the mappings, and runs guests that its parent made. */
static void fork_child(struct worker* worker) {
    uint64_t seed = roll(&worker->dice);
    pid_t child = fork();

    if (child == 0) {
        worker->child = true;
        worker->kept = NULL;
        worker->dice.state = seed;
        for (unsigned i = 0; i < CHILD_STEPS; i++)
            step(worker);
        _exit(0);
    }
    int status = 0;
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (status != 0)
        complain("a child ended with status", (uint64_t)status);
}

static void step(struct worker* worker) {
    uint64_t choice = below(&worker->dice, 1000);

    if (choice < 20)
        renew_handle(worker);
    else if (choice < 23)
        close_handle(worker);
    else if (choice < 50)
        random_mapping(worker);
    else if (choice < 51 && !worker->child)
        fork_child(worker);
    else if (choice < 60)
        ask_as_a_file(worker);
    else
        random_request(worker);
}

static void make_scratch(struct worker* worker) {
    worker->scratch =
        mmap(NULL, SCRATCH_BYTES + 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (worker->scratch == MAP_FAILED) {
        perror("mmap");
        exit(2);
    }
    mprotect(worker->scratch + SCRATCH_BYTES, PAGE, PROT_NONE);
    mprotect(worker->scratch + SCRATCH_BYTES + PAGE, PAGE, PROT_READ);
}

static void* work(void* context) {
    struct worker* worker = context;

    for (uint64_t i = 0; i < steps_each; i++)
        step(worker);
    drop_kept_mapping(worker);
    return NULL;
}

static void on_alarm(int signal) {
    (void)signal; /* it is there to interrupt */
}

static void interrupt_every(suseconds_t microseconds) {
    struct itimerval interval = {.it_interval = {0, microseconds}, .it_value = {0, microseconds}};
    struct sigaction action = {.sa_handler = on_alarm}; /* without SA_RESTART */

    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &interval, NULL);
}

static void check_that_none_is_left(void) {
    int file = open("/dev/coop", O_RDWR | O_CLOEXEC);
    struct coop_host_info host = {0};

    if (file < 0 || ioctl(file, COOP_REQUEST(HOST, host), &host) < 0)
        complain("HOST at the end", (uint64_t)errno);
    if (host.guests != 0)
        complain("guests are left", host.guests);
    close(file);
}

int main(int argc, char** argv) {
    static struct worker workers[THREADS_MOST];
    pthread_t threads[THREADS_MOST];

    if (argc < 3) {
        fprintf(stderr, "usage: coop_ioctl_fuzz SEED COUNT [THREADS]\n");
        return 2;
    }
    struct dice seeds = {strtoull(argv[1], NULL, 0)};
    uint64_t count = strtoull(argv[2], NULL, 0);
    unsigned number = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 0) : 4;
    if (number < 1 || number > THREADS_MOST)
        return 2;
    printf("seed %s\n", argv[1]);
    fflush(stdout);
    steps_each = count / number;
    tally_create();
    catch_faults();
    interrupt_every(SIGNAL_EVERY_US);
    for (unsigned i = 0; i < number; i++) {
        make_scratch(&workers[i]);
        workers[i].dice.state = roll(&seeds);
    }
    for (unsigned i = 0; i < number; i++)
        if (pthread_create(&threads[i], NULL, work, &workers[i]) != 0)
            return 2;
    for (unsigned i = 0; i < number; i++)
        pthread_join(threads[i], NULL);
    interrupt_every(0);
    close_all_handles();
    check_that_none_is_left();
    return tally_print() ? 1 : 0;
}
