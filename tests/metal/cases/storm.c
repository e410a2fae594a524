// SPDX-License-Identifier: GPL-2.0-only
/* NMIs and machine checks at any moment, with all registers at random: each is handled once, in the host. */
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

enum { MSR_MCG_STATUS = 0x17a };

static void clear_machine_check(struct metal_frame* frame) {
    (void)frame;
    __asm__ volatile("wrmsr" ::"c"(MSR_MCG_STATUS), "a"(0), "d"(0));
}

/* Until so many machine checks have come from outside. A CPU with CR4.MCE clear would shut down, so both
 * worlds leave it set. */
void case_machine_checks(void) {
    struct metal_guest state = metal_state_begin(metal_option("seed", 1));
    struct metal_guest guests[] = {GUEST(unknown_doorbells), GUEST(yielding), GUEST(no_tss)};
    const uint64_t wanted = metal_option("checks", 200);
    uint64_t forwarded = 0;
    bool good = true;

    metal_state_keep_cr4(1 << 6);
    metal_handle(VECTOR_MACHINE_CHECK, clear_machine_check);
    guests[0].parameters[PARAM_COUNT / 8] = UINT32_MAX;
    for (uint64_t i = 0, asked = 0; good && metal_count(VECTOR_MACHINE_CHECK) < wanted; i++) {
        struct metal_guest* guest = &guests[i % 3];

        /* machine_check_coverage.py waits for this: the handler's stack must be free again. */
        if (asked == metal_count(VECTOR_MACHINE_CHECK)) {
            asked++;
            metal_print("# machine check\n");
        }
        good = metal_state_stay(guest, NULL, NULL, NULL) && guest->status == -COOP_E_INTERRUPTED;
    }
    CHECK(good);
    CHECK_EQUAL(metal_count(VECTOR_MACHINE_CHECK), wanted);
    metal_handle(VECTOR_MACHINE_CHECK, NULL);
    for (unsigned i = 0; good && i < 3; i++)
        good = metal_state_round(&state, NULL, NULL, NULL);
    metal_state_end(&state);
    for (unsigned i = 0; i < 3; i++) {
        forwarded += metal_guest_stats(&guests[i]).machine_checks_forwarded;
        metal_guest_end(&guests[i]);
    }
    CHECK(forwarded > 0);
}
