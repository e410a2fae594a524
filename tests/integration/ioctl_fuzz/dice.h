/* SPDX-License-Identifier: GPL-2.0-only */
/* Random numbers that a seed repeats, and numbers likely to be handled wrongly. One struct dice a thread. */
#ifndef COOP_FUZZ_DICE_H
#define COOP_FUZZ_DICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LARGE_PAGE (2ull << 20)

struct dice {
    uint64_t state;
};

/* SplitMix64: any seed is a good one. */
static inline uint64_t roll(struct dice* dice) {
    uint64_t z = dice->state += 0x9e3779b97f4a7c15;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static inline uint64_t below(struct dice* dice, uint64_t limit) {
    return roll(dice) % limit;
}

static inline bool once_in(struct dice* dice, unsigned times) {
    return below(dice, times) == 0;
}

/* At the edges of what fits: powers of two and their neighbours, multiples of pages, all ones, anything. */
static inline uint64_t edge(struct dice* dice) {
    uint64_t power = 1ull << below(dice, 64);

    switch (below(dice, 6)) {
    case 0:
        return below(dice, 4);
    case 1:
        return power - 1 + below(dice, 3);
    case 2:
        return below(dice, 1 << 14) * LARGE_PAGE;
    case 3:
        return below(dice, 1 << 23) * 4096;
    case 4:
        return 0 - below(dice, 3) * (once_in(dice, 2) ? 4096 : 1);
    default:
        return roll(dice);
    }
}

static inline void scribble(struct dice* dice, void* to, size_t bytes) {
    unsigned char* at = (unsigned char*)to;

    while (bytes-- > 0)
        *at++ = (unsigned char)roll(dice);
}

#endif
