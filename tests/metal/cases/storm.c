// SPDX-License-Identifier: GPL-2.0-only
/* NMIs at any moment, with all registers at random: each is handled once, in the host. */
#include "state_session.h"

static bool stop;
static uint64_t sent, lost;

/* The next one only when the last has been handled: then all must be. */
static void send_nmis(void* unused) {
    (void)unused;
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
        const uint64_t before = metal_count(VECTOR_NMI), begin = metal_tsc();

        metal_apic_send(0, APIC_NMI);
        sent++;
        while (metal_count(VECTOR_NMI) == before && metal_tsc() - begin < 5000 * metal_tsc_khz())
            __builtin_ia32_pause();
        lost += metal_count(VECTOR_NMI) != before + 1;
        metal_delay_us(metal_random() >> (metal_random() & 1 ? 58 : 54));
    }
}

void case_nmi_storm(void) {
    struct metal_guest guest = metal_state_begin(metal_option("seed", metal_tsc() >> 4));
    const uint64_t wanted = metal_option("nmis", 300), before = metal_count(VECTOR_NMI);
    bool good = true;

    stop = false;
    sent = lost = 0;
    metal_smp_call(send_nmis, NULL);
    while (good && metal_count(VECTOR_NMI) - before < wanted)
        good = metal_state_round(&guest, NULL, NULL, NULL);
    __atomic_store_n(&stop, true, __ATOMIC_RELEASE);
    metal_smp_wait();
    /* Where the emulator is slow no stay was long enough for the guest to verify its registers. */
    for (unsigned i = 0; good && (i < 3 || metal_state_report(&guest)->rounds == 0); i++)
        good = metal_state_round(&guest, NULL, NULL, NULL);
    CHECK(good);
    CHECK_EQUAL(lost, 0);
    CHECK_EQUAL(metal_count(VECTOR_NMI) - before, sent);
    CHECK(metal_guest_stats(&guest).nmis_forwarded > 0);
    metal_state_end(&guest);
}
