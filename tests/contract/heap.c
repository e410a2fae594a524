// SPDX-License-Identifier: GPL-2.0-only
/* coop_host_alloc, coop_host_free: zeroed, aligned to 16 bytes, each block its own; refusal is NULL. */
#include "contract.h"

static const size_t sizes[] = {1,   8,   15,  16,  17,  24,  40,   72,   96,   100,  130,
                               192, 200, 256, 257, 320, 900, 4000, 4096, 9000, 70000};
enum { SIZES = sizeof(sizes) / sizeof(sizes[0]) };

static void fill(uint8_t* block, size_t bytes, uint8_t with) {
    volatile uint8_t* at = block;
    size_t i;

    for (i = 0; i < bytes; i++)
        at[i] = with;
}

static bool filled(const uint8_t* block, size_t bytes, uint8_t with) {
    size_t i;

    for (i = 0; i < bytes; i++) {
        if (block[i] != with)
            return false;
    }
    return true;
}

/* All sizes at once; what was dirty before comes back clean. */
static void blocks(void) {
    uint8_t* all[SIZES];
    unsigned i;

    for (i = 0; i < SIZES; i++) {
        all[i] = coop_host_alloc(sizes[i]);
        CONTRACT_CHECK(all[i]);
        if (!all[i])
            continue;
        CONTRACT_CHECK((uintptr_t)all[i] % 16 == 0);
        CONTRACT_CHECK(contract_zeroed(all[i], sizes[i]));
        fill(all[i], sizes[i], (uint8_t)(i + 1));
    }
    for (i = 0; i < SIZES; i++) {
        if (all[i])
            CONTRACT_CHECK(filled(all[i], sizes[i], (uint8_t)(i + 1)));
        coop_host_free(all[i]);
    }
}

void contract_heap(void) {
    enum { ROUNDS = 20 };
    const unsigned absurd_bits[] = {40, 46, 62};
    unsigned i;

    coop_host_free(NULL);
    for (i = 0; i < ROUNDS; i++)
        blocks();
    for (i = 0; i < sizeof(absurd_bits) / sizeof(absurd_bits[0]); i++)
        CONTRACT_CHECK(!coop_host_alloc((size_t)1 << absurd_bits[i]));
    CONTRACT_CHECK(!coop_host_alloc(~(size_t)0));
}
