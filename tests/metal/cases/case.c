// SPDX-License-Identifier: GPL-2.0-only
/* Guests for cases, checks, random numbers. */
#include "case.h"

static bool failed;

void metal_fail(const char* file, int line, const char* what) {
    failed = true;
    metal_print("# %s:%d: failed: %s\n", file, (int64_t)line, what);
}

void metal_check_equal(const char* file, int line, const char* what, uint64_t a, uint64_t b) {
    if (a == b)
        return;
    metal_fail(file, line, what);
    metal_print("#   %x and %x\n", a, b);
}

bool metal_failed(void) {
    return __atomic_exchange_n(&failed, false, __ATOMIC_RELAXED);
}

static const char* skipped;

void metal_skip(const char* why) {
    skipped = why;
}

const char* metal_skipped(void) {
    const char* why = skipped;

    skipped = NULL;
    return why;
}

static void place(struct metal_guest* guest, const char* code, const char* code_end) {
    struct coop_shared* shared = (void*)(guest->ram + GUEST_SHARED);

    *shared = (struct coop_shared){.magic = COOP_SHARED_MAGIC,
                                   .abi_major = COOP_ABI_MAJOR,
                                   .size = GUEST_VCPU_PAGE - GUEST_SHARED + PAGE_BYTES,
                                   .vcpus = 1,
                                   .vcpu_offset = GUEST_VCPU_PAGE - GUEST_SHARED,
                                   .devices = 2,
                                   .tsc_khz = metal_tsc_khz()};
    memcpy(guest->ram + GUEST_CODE, code, (size_t)(code_end - code));
    guest->parameters = (void*)(guest->ram + GUEST_PARAMETERS);
    guest->page = (void*)(guest->ram + GUEST_VCPU_PAGE);
}

struct metal_guest metal_guest_make(const char* name, const char* code, const char* code_end) {
    struct coop_create create = {.ram_bytes = 2 * GUEST_RUN_BYTES, .runs = {GUEST_RUN_BYTES}, .vcpus = 1};
    struct metal_guest guest = {0};
    struct coop_extent extent;

    for (size_t i = 0; name[i]; i++)
        create.name[i] = name[i];
    /* A pending signal, which a case means for its guests' runs, would end this too. */
    const bool pending = coop_host_yield();
    metal_signal(false);
    if (coop_guest_create(&create, &guest.guest))
        metal_panic("coop_guest_create");
    metal_signal(pending);
    for (uint32_t i = 0; coop_guest_extent(guest.guest, i, &extent) == 0; i++) {
        if (extent.run == 0)
            guest.gpa = extent.gpa;
    }
    guest.ram = coop_host_ram_va(guest.gpa);
    place(&guest, code, code_end);
    return guest;
}

void metal_guest_start(struct metal_guest* guest) {
    const struct coop_start start = {.entry_gpa = guest->gpa + GUEST_CODE,
                                     .boot_params_gpa = guest->gpa + GUEST_PARAMETERS,
                                     .shared_gpa = guest->gpa + GUEST_SHARED};

    if (!guest->started && coop_guest_start(guest->guest, &start))
        metal_panic("coop_guest_start");
    guest->started = true;
}

uint32_t metal_guest_run(struct metal_guest* guest) {
    metal_guest_start(guest);
    guest->status = coop_guest_run(guest->guest, &guest->run);
    return guest->status == 0 ? guest->run.end : 0;
}

struct coop_stats metal_guest_stats(const struct metal_guest* guest) {
    struct coop_stats stats;

    coop_guest_stats(guest->guest, &stats);
    return stats;
}

struct coop_host_timer* metal_after(uint64_t ns, void (*callback)(void*), void* context) {
    struct coop_host_timer* timer = coop_host_timer_create(callback, context);

    if (!timer)
        metal_panic("coop_host_timer_create");
    coop_host_timer_arm(timer, ns);
    return timer;
}

static uint64_t the_seed, states[METAL_MAX_CPUS];

void metal_random_seed(uint64_t seed) {
    the_seed = seed;
    for (unsigned cpu = 0; cpu < METAL_MAX_CPUS; cpu++) /* odd, so never the one state that does not move */
        states[cpu] = (2 * seed + 1) * (cpu ? 0x9e3779b97f4a7c15 : 1);
}

uint64_t metal_seed(void) {
    return the_seed;
}

uint64_t metal_random(void) {
    uint64_t* state = &states[metal_this_cpu()];

    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1d;
}
