// SPDX-License-Identifier: GPL-2.0-only
/* hosts/nt/guard.S, vectors.S and string.c, which need no kernel: as part of a program, with an unwinder
 * beneath. */
#include <windows.h>

#include <emmintrin.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* As in hosts/nt/shim.h. */
LONG coop_guard(LONG (*function)(void* argument), void* argument);
void coop_keep_vectors(void (*function)(void* argument), void* argument);
/* string.c's, under other names: the program has its own. */
void* coop_memcpy(void* restrict to, const void* restrict from, size_t bytes);
void* coop_memmove(void* to, const void* from, size_t bytes);
void* coop_memset(void* at, int value, size_t bytes);
int coop_memcmp(const void* a, const void* b, size_t bytes);

static unsigned int failures;

static bool check_at(bool holds, const char* what, int line) {
    if (!holds) {
        printf("assembly_test.c:%d: failed: %s\n", line, what);
        failures++;
    }
    return holds;
}
#define CHECK(condition) check_at(condition, #condition, __LINE__)

static LONG answers(void* argument) {
    return *(LONG*)argument;
}

static LONG reads_nothing(void* argument) {
    return *(volatile LONG*)argument;
}

static LONG raises(void* argument) {
    RaiseException(*(DWORD*)argument, 0, 0, NULL);
    return 0;
}

/* The exception passes through frames of ours, with registers to restore. */
static __attribute__((noinline)) LONG raises_below(void* argument) {
    volatile LONG depth[8] = {0};
    LONG result = raises(argument);

    depth[0] = result;
    return depth[0];
}

static void guards(void) {
    const LONG raised = (LONG)0xc0000144; /* STATUS_UNHANDLED_EXCEPTION */
    LONG code = (LONG)0xe0c00001, calm = 7;

    CHECK(coop_guard(answers, &calm) == calm);
    CHECK(coop_guard(raises, &code) == raised);
    CHECK(coop_guard(raises_below, &code) == raised);
    CHECK(coop_guard(reads_nothing, (void*)16) == raised);
    CHECK(coop_guard(answers, &calm) == calm);
}

struct call {
    unsigned int count;
    void* argument;
};

/* All that a callee may change, by Microsoft's convention. */
static void changes_all(void* argument) {
    struct call* call = argument;

    call->count++;
    call->argument = argument;
    __asm__ volatile("pcmpeqd %%xmm0, %%xmm0\n\tpcmpeqd %%xmm1, %%xmm1\n\tpcmpeqd %%xmm2, %%xmm2\n\t"
                     "pcmpeqd %%xmm3, %%xmm3\n\tpcmpeqd %%xmm4, %%xmm4\n\tpcmpeqd %%xmm5, %%xmm5" ::
                         : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5");
}

#define REGISTERS 6

static void keeps_vectors(void) {
    unsigned char before[REGISTERS][16], after[REGISTERS][16];
    struct call call = {0, NULL};
    unsigned int i;

    for (i = 0; i < sizeof(before); i++) {
        ((unsigned char*)before)[i] = (unsigned char)(i * 7 + 1);
    }
    __asm__ volatile(
        "movdqu (%0), %%xmm0\n\tmovdqu 16(%0), %%xmm1\n\tmovdqu 32(%0), %%xmm2\n\t"
        "movdqu 48(%0), %%xmm3\n\tmovdqu 64(%0), %%xmm4\n\tmovdqu 80(%0), %%xmm5\n\t"
        "mov %2, %%rcx\n\tmov %3, %%rdx\n\tsub $32, %%rsp\n\tcall coop_keep_vectors\n\tadd $32, %%rsp\n\t"
        "movdqu %%xmm0, (%1)\n\tmovdqu %%xmm1, 16(%1)\n\tmovdqu %%xmm2, 32(%1)\n\t"
        "movdqu %%xmm3, 48(%1)\n\tmovdqu %%xmm4, 64(%1)\n\tmovdqu %%xmm5, 80(%1)" ::"r"(&before),
        "r"(&after), "r"(changes_all), "r"(&call)
        : "rax", "rcx", "rdx", "r8", "r9", "r10", "r11", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "cc",
          "memory");
    CHECK(call.count == 1 && call.argument == &call);
    CHECK(memcmp(before, after, sizeof(before)) == 0);
}

#define MOST 40

static void fill(unsigned char* at) {
    unsigned int i;

    for (i = 0; i < 3 * MOST; i++) {
        at[i] = (unsigned char)(i * 13 + 5);
    }
}

static void copies(void) {
    unsigned char ours[3 * MOST], theirs[3 * MOST];
    unsigned int from, to, bytes;

    for (bytes = 0; bytes <= MOST; bytes++) {
        for (from = 0; from < MOST; from += 3) {
            for (to = 0; to < MOST; to += 3) {
                fill(ours);
                fill(theirs);
                if (coop_memmove(ours + to, ours + from, bytes) != ours + to) {
                    failures++;
                }
                memmove(theirs + to, theirs + from, bytes);
                failures += memcmp(ours, theirs, sizeof(ours)) != 0;
            }
        }
        fill(ours);
        CHECK(coop_memcpy(theirs, ours, bytes) == theirs && memcmp(theirs, ours, bytes) == 0);
        CHECK(coop_memset(ours + 1, 0x1a5, bytes) == ours + 1);
        fill(theirs);
        memset(theirs + 1, 0xa5, bytes);
        CHECK(memcmp(ours, theirs, sizeof(ours)) == 0);
        CHECK(coop_memcmp(ours, theirs, sizeof(ours)) == 0);
        theirs[bytes] ^= 0x80;
        CHECK((coop_memcmp(ours, theirs, sizeof(ours)) < 0) == (memcmp(ours, theirs, sizeof(ours)) < 0));
        CHECK(coop_memcmp(ours, theirs, bytes) == 0);
    }
}

int main(void) {
    guards();
    keeps_vectors();
    copies();
    printf("assembly_test: %u failures\n", failures);
    return failures ? 1 : 0;
}
