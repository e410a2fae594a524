// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every register of both worlds, at random, over many switches. The guest verifies its own (state/guest.c).
 * The words seed=… and switches=… replay a run and make it longer or shorter.
 */
#include "state_session.h"

void case_state(void) {
    const uint64_t seed = metal_option("seed", metal_tsc() >> 4), switches = metal_option("switches", 2000);
    struct metal_guest guest = metal_state_begin(seed);
    bool good = true;

    metal_print("# state: seed=%u switches=%u\n", seed, switches);
    while (good && metal_guest_stats(&guest).switches < switches)
        good = metal_state_round(&guest, NULL, NULL, NULL);
    CHECK(good);
    metal_state_end(&guest);
}
