/* SPDX-License-Identifier: GPL-2.0-only */
#include "image.h"

#include <cpuid.h>
#include <stdio.h>
#include <string.h>

enum component { X87, SSE, AVX, OPMASK = 5, ZMM_HIGH, ZMM_16, PKRU = 9 };
enum { header_at = 512, fcw_at = 0, fsw_at = 2, ftw_at = 4, mxcsr_at = 24, st_at = 32, xmm_at = 160 };

/* A run of equal registers of one component, `bytes` of them live, `stride` apart; at: see register_at(). */
struct registers {
    const char* name;
    enum component component;
    unsigned at, first, count, bytes, stride;
};
static const struct registers all_registers[] = {
    {"st", X87, st_at, 0, 8, 10, 16},
    {"xmm", SSE, xmm_at, 0, 16, 16, 16},
    {"upper half of ymm", AVX, 0, 0, 16, 16, 16},
    {"k", OPMASK, 0, 0, 8, 8, 8},
    {"upper half of zmm", ZMM_HIGH, 0, 0, 16, 32, 32},
    {"zmm", ZMM_16, 0, 16, 16, 64, 64},
    {"pkru", PKRU, 0, 0, 1, 4, 4},
};
/* Control words: part of the legacy area, and outside the pattern. */
static const struct word {
    const char* name;
    unsigned at, bytes;
} words[] = {{"x87 control word", fcw_at, 2},
             {"x87 status word", fsw_at, 2},
             {"x87 tag word", ftw_at, 1},
             {"mxcsr", mxcsr_at, 4}};

static const struct {
    enum component component;
    const char* name;
} names[] = {{X87, "x87"},
             {SSE, "SSE"},
             {AVX, "AVX"},
             {OPMASK, "AVX-512 k"},
             {ZMM_HIGH, "AVX-512 zmm0-15"},
             {ZMM_16, "AVX-512 zmm16-31"},
             {PKRU, "PKRU"}};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
static uint64_t bit(enum component component) {
    return 1ull << component;
}

uint64_t image_components(void) {
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE))
        return 0;
    uint32_t low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    uint64_t known = 0;
    for (unsigned i = 0; i < COUNT(names); ++i)
        known |= bit(names[i].component);
    return ((uint64_t)high << 32 | low) & known;
}

/* Where the n-th register is. Legacy components have their fixed places, the others say theirs by CPUID. */
static unsigned register_at(const struct registers* registers, unsigned n) {
    unsigned a, b = registers->at, c, d;
    if (registers->component > SSE)
        __cpuid_count(0xd, registers->component, a, b, c, d);
    return b + n * registers->stride;
}

static int is_there(const struct registers* registers, uint64_t components) {
    return registers->component <= SSE || (components & bit(registers->component));
}

static uint64_t next(uint64_t* random) { /* xorshift64* (Vigna 2016) */
    *random ^= *random >> 12;
    *random ^= *random << 25;
    *random ^= *random >> 27;
    return *random * 0x2545f4914f6cdd1dull;
}

static void fill(unsigned char* to, unsigned bytes, uint64_t* random) {
    for (unsigned i = 0; i < bytes; ++i)
        to[i] = next(random) >> 56;
}

void image_fill(unsigned char* image, uint64_t components, uint64_t* random) {
    enum { fcw_masked = 0x7f, fcw_free = 0xf00, mxcsr_masked = 0x1f80, mxcsr_free = 0xe07f, pkru_key_0 = 3 };
    memset(image, 0, image_bytes);
    uint64_t filled = components ? components & ~(next(random) & next(random)) : bit(X87) | bit(SSE);
    const uint64_t words_at_random = next(random);
    const uint16_t fcw = filled & bit(X87) ? fcw_masked | (words_at_random & fcw_free) : 0x37f;
    const uint32_t mxcsr = mxcsr_masked | (words_at_random >> 16 & mxcsr_free);
    memcpy(image + fcw_at, &fcw, sizeof(fcw));
    memcpy(image + mxcsr_at, &mxcsr, sizeof(mxcsr));
    image[ftw_at] = filled & bit(X87) ? 0xff : 0;
    for (const struct registers* r = all_registers; r != all_registers + COUNT(all_registers); ++r) {
        if (!(filled & bit(r->component)))
            continue;
        for (unsigned n = 0; n < r->count; ++n)
            fill(image + register_at(r, n), r->bytes, random);
        if (r->component == PKRU)
            image[register_at(r, 0)] &= ~pkru_key_0;
    }
    if (components)
        memcpy(image + header_at, &filled, sizeof(filled));
}

static int tell(const char* name, int number, const unsigned char* expected, const unsigned char* found,
                unsigned bytes, char* text, unsigned size) {
    unsigned used = snprintf(text, size, number < 0 ? "%s is" : "%s%d is", name, number);
    for (unsigned i = bytes; i-- && used < size;)
        used += snprintf(text + used, size - used, i + 1 == bytes ? " %02x" : "%02x", found[i]);
    if (used < size)
        used += snprintf(text + used, size - used, ", was");
    for (unsigned i = bytes; i-- && used < size;)
        used += snprintf(text + used, size - used, i + 1 == bytes ? " %02x" : "%02x", expected[i]);
    return 1;
}

int image_differs(const unsigned char* expected, const unsigned char* found, uint64_t components, char* text,
                  unsigned size) {
    for (const struct word* w = words; w != words + COUNT(words); ++w) {
        if (memcmp(expected + w->at, found + w->at, w->bytes) != 0)
            return tell(w->name, -1, expected + w->at, found + w->at, w->bytes, text, size);
    }
    for (const struct registers* r = all_registers; r != all_registers + COUNT(all_registers); ++r) {
        for (unsigned n = 0; is_there(r, components) && n < r->count; ++n) {
            const unsigned at = register_at(r, n);
            if (memcmp(expected + at, found + at, r->bytes) != 0)
                return tell(r->name, r->count > 1 ? (int)(r->first + n) : -1, expected + at, found + at,
                            r->bytes, text, size);
        }
    }
    return 0;
}

void image_print_components(uint64_t components) {
    printf("components:");
    for (unsigned i = 0; i < COUNT(names); ++i) {
        if ((components ? components : 3) & bit(names[i].component))
            printf(" %s%s", names[i].name, i + 1 < COUNT(names) ? "," : "");
    }
    printf("\n");
}
