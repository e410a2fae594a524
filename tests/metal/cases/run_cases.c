// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of cases, and how they are run: those named on the command line, else all that suit the machine
 * (bochs=1 tells of one that is not QEMU). seed=N replays what was at random. Output in the manner of TAP,
 * then one line of figures. A case must leave the host as it was.
 */
#include "case.h"

struct entry {
    const char* name;
    metal_case* run;
    enum { ANYWHERE, QEMU, ICOUNT, TWO_CPUS } where;
};

static const struct entry cases[] = {
#define CASE(name) {#name, case_##name, ANYWHERE},
#define CASE_OF_QEMU(name) {#name, case_##name, QEMU},
#define CASE_OF_ICOUNT(name) {#name, case_##name, ICOUNT},
#define CASE_OF_TWO(name) {#name, case_##name, TWO_CPUS},
#include "cases.def"
#undef CASE
#undef CASE_OF_QEMU
#undef CASE_OF_ICOUNT
#undef CASE_OF_TWO
};

static struct coop_stats figures;
static uint64_t verified;

void metal_count_verified(uint64_t rounds) {
    verified += rounds;
}

void metal_guest_end(struct metal_guest* guest) {
    struct coop_stats stats = metal_guest_stats(guest);

    figures.switches += stats.switches;
    figures.interrupts_forwarded += stats.interrupts_forwarded;
    figures.nmis_forwarded += stats.nmis_forwarded;
    figures.events_injected += stats.events_injected;
    figures.entries_aborted += stats.entries_aborted;
    coop_guest_destroy(guest->guest);
}

struct traces {
    uint64_t frames, objects, rflags;
    uint32_t cpu;
};

static struct traces look(void) {
    struct traces traces = {metal_frames_taken(), metal_heap_objects(), 0, metal_this_cpu()};

    asm volatile("pushfq; popq %0" : "=r"(traces.rflags));
    traces.rflags &= 0x200;
    return traces;
}

static bool suits(const struct entry* entry) {
    switch (entry->where) {
    case QEMU:
        return !metal_option("bochs", 0);
    case ICOUNT:
        return false; /* only by name */
    case TWO_CPUS:
        return metal_smp();
    default:
        return true;
    }
}

static void run(const struct entry* entry) {
    struct traces before = look();

    entry->run();
    metal_signal(false);
    struct traces after = look();
    CHECK_EQUAL(after.frames, before.frames);
    CHECK_EQUAL(after.objects, before.objects);
    CHECK_EQUAL(after.rflags, before.rflags);
    CHECK_EQUAL(after.cpu, before.cpu);
    CHECK(!metal_apic_in_service());
}

int metal_run_cases(void) {
    const size_t count = sizeof(cases) / sizeof(cases[0]);
    bool some_named = false;
    uint64_t ran = 0, failures = 0, skips = 0;

    metal_print("\n"); /* behind whatever the boot loader left on the line */
    metal_word("", &some_named);
    metal_random_seed(metal_option("seed", metal_tsc() >> 4));
    metal_print("# seed=%u\n", metal_seed());
    for (size_t i = 0; i < count; i++) {
        bool wanted = some_named ? metal_word(cases[i].name, &some_named) : suits(&cases[i]);

        if (!wanted)
            continue;
        ran++;
        run(&cases[i]);
        bool failed = metal_failed();
        const char* skipped = metal_skipped();
        failures += failed;
        skips += skipped != NULL;
        metal_print("%s %u %s%s%s\n", failed ? "not ok" : "ok", ran, cases[i].name, skipped ? " # SKIP " : "",
                    skipped ? skipped : "");
    }
    metal_print("1..%u\n", ran);
    metal_print(
        "figures: cases %u failed %u skipped %u switches %u verified %u interrupts %u nmis %u events %u "
        "aborts %u\n",
        ran, failures, skips, figures.switches, verified, figures.interrupts_forwarded,
        figures.nmis_forwarded, figures.events_injected, figures.entries_aborted);
    return ran == 0 || failures != 0;
}
