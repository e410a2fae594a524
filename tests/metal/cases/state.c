// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every register of both worlds, at random, over many switches. The guest verifies its own (state/guest.c).
 * The words seed=… and switches=… replay a run and make it longer or shorter.
 */
#include "state_session.h"

void case_state(void) {
    const uint64_t switches = metal_option("switches", 2000);
    struct metal_guest guest = metal_state_begin(metal_seed());
    bool good = true;

    while (good && metal_guest_stats(&guest).switches < switches)
        good = metal_state_round(&guest, NULL, NULL, NULL);
    CHECK(good);
    /* Nothing else makes it leave here, but that an entry may be given up: each stay is one in which it
     * verified its registers. */
    const struct coop_stats stats = metal_guest_stats(&guest);
    CHECK(metal_state_report(&guest)->rounds + 1 >= stats.switches - stats.entries_aborted);
    metal_state_end(&guest);
}
