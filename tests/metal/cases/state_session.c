// SPDX-License-Identifier: GPL-2.0-only
/* The host's side of the state test: a place for its registers, and rounds of filling, running, verifying. */
#include "state_session.h"

enum { FLAGS = 0x240000 }; /* AC, ID: what C leaves alone */

int metal_state_run(struct state_gprs* gprs, struct coop_guest* guest, struct coop_run* run);

static struct state state;
static struct state_place place;
static struct state_gprs gprs;
static __attribute__((aligned(64))) uint64_t gdts[STATE_VARIANTS][32], idts[STATE_VARIANTS][256][2],
    ldts[STATE_VARIANTS][2];

static uint64_t other_root, stack_taken;
static void note_stack(struct metal_frame* frame) {
    stack_taken = (uint64_t)frame;
}

uint64_t state_tss_stack(void) {
    __asm__ volatile("int %0" ::"i"(VECTOR_TEST_IST) : "memory");
    for (unsigned i = 0; i < TSS_COUNT; i++) {
        if (metal_tss[i].ist[IST_TEST - 1] - stack_taken < IST_BYTES)
            return FIRST_TSS + 16 * i;
    }
    return 0;
}

static void ignore(struct metal_frame* frame) {
    (void)frame;
}

static struct control { uint64_t cr0, cr3, cr4; } control;

static void make_place(void) {
    __asm__ volatile("mov %%cr0, %0; mov %%cr3, %1; mov %%cr4, %2"
                     : "=r"(control.cr0), "=r"(control.cr3), "=r"(control.cr4));
    state_probe(&place);
    place.cr0_bits = 0x60050022; /* MP NE WP AM NW CD */
    place.cr4_bits |= state_host_cr4_bits();
    place.pcids = 0xfff;
    memcpy(metal_va(other_root), metal_va(control.cr3), PAGE_BYTES);
    place.cr3[0] = control.cr3;
    place.cr3[1] = other_root;
    for (unsigned i = 0; i < STATE_VARIANTS; i++) {
        state_fill_tables(gdts[i], ldts[i], i, (uint64_t)&metal_tss[0], 2 * sizeof(struct metal_tss));
        place.gdt[i] = (struct state_table){(uint16_t)(sizeof(gdts[i]) - 1 - 8 * i), (uint64_t)gdts[i]};
        memcpy(idts[i], metal_idt, sizeof(idts[i]));
        place.idt[i] = (struct state_table){(uint16_t)(sizeof(idts[i]) - 1 - 16 * i), (uint64_t)idts[i]};
    }
}

static void put_back(void) {
    __asm__ volatile("cli; mov %0, %%cr0; mov %1, %%cr3; mov %2, %%cr4; mov %3, %%db7" ::"r"(control.cr0),
                     "r"(control.cr3), "r"(control.cr4), "r"(0x400ull)
                     : "memory");
    metal_cpu_features();
    __asm__ volatile("lldt %w0; mov %0, %%ds; mov %0, %%es; mov %0, %%fs; mov %0, %%gs" ::"r"(0));
    metal_descriptors_load(0);
    __asm__ volatile("sti");
}

static void tell(const char* world, uint64_t differs, uint64_t expected, uint64_t found) {
    static const char* const names[] = {STATE_NAMES};
    static const char* const msrs[] = {
#define ROW(name, ...) #name,
        COOP_RESIDENT_MSRS(ROW) COOP_PASSAGE_MSRS(ROW)
#undef ROW
    };

    if (differs >= STATE_FIRST_MSR)
        metal_print("# %s: %s", world, msrs[differs - STATE_FIRST_MSR]);
    else if (differs >= STATE_FIRST_GPR)
        metal_print("# %s: general register %u", world, differs - STATE_FIRST_GPR);
    else
        metal_print("# %s: %s", world, names[differs]);
    metal_print(" was %x, is %x\n", expected, found);
}

struct metal_guest metal_state_begin(uint64_t seed) {
    extern const char metal_guest_state[], metal_guest_state_end[];
    struct metal_guest guest = metal_guest_make("state", metal_guest_state, metal_guest_state_end);

    other_root = metal_frames_take(1, 1);
    state.random = seed * 2 + 1;
    metal_state_report(&guest)->seed = state.random * 0x9e3779b97f4a7c15;
    metal_handle(VECTOR_TEST, ignore);
    metal_handle(VECTOR_TEST_IST, note_stack);
    metal_signal(true);
    metal_guest_start(&guest);
    make_place();
    return guest;
}

struct state_report* metal_state_report(const struct metal_guest* guest) {
    return (void*)(guest->ram + GUEST_PARAMETERS);
}

void metal_state_keep_cr4(uint64_t bits) {
    place.cr4_bits &= ~bits;
}

void metal_state_roots(uint64_t roots[STATE_VARIANTS]) {
    for (unsigned i = 0; i < STATE_VARIANTS; i++)
        roots[i] = place.cr3[i];
}

bool metal_state_stay(struct metal_guest* guest, void (*before)(void*), void* argument,
                      void (*after)(void*)) {
    metal_guest_start(guest);
    __asm__ volatile("cli" ::: "memory");
    state_fill(&state, &place);
    state_fill_gprs(&state, &gprs, FLAGS);
    gprs.flags_in |= 0x200;
    if (before)
        before(argument);
    guest->status = metal_state_run(&gprs, guest->guest, &guest->run);
    if (after)
        after(argument);
    __asm__ volatile("cli" ::: "memory");
    if (state_verify(&state, &place) && state_verify_gprs(&state, &gprs, STATE_CALLEE_SAVED, FLAGS))
        return true;
    put_back();
    tell("host", state.differs, state.expected, state.found);
    return false;
}

bool metal_state_round(struct metal_guest* guest, void (*before)(void*), void* argument,
                       void (*after)(void*)) {
    return metal_state_stay(guest, before, argument, after) && guest->status == -COOP_E_INTERRUPTED;
}

void metal_state_end(struct metal_guest* guest) {
    const struct state_report* report = metal_state_report(guest);

    put_back();
    if (guest->status == 0 && guest->run.end == COOP_END_PANIC)
        tell("guest", report->differs, report->expected, report->found);
    if (guest->status == 0)
        metal_print("# guest ended: %u detail %u rip %x address %x\n", (uint64_t)guest->run.end,
                    guest->run.detail, guest->run.rip, guest->run.address);
    CHECK_EQUAL(guest->status, -COOP_E_INTERRUPTED);
    CHECK_EQUAL(guest->run.end, 0);
    /* It verifies after each leave but the last, from which it has not come back. */
    const struct coop_stats stats = metal_guest_stats(guest);
    CHECK(report->rounds + 1 >=
          stats.doorbells[COOP_DOORBELL_YIELD] + stats.doorbells[STATE_UNKNOWN_DOORBELL]);
    CHECK(report->rounds > 0);
    metal_count_verified(report->rounds);
    metal_frames_give(other_root, 1);
    metal_guest_end(guest);
}
