// SPDX-License-Identifier: GPL-2.0-only
/* How interrupts must arrive in the host, and guests that end. */
#include "arrival.h"

#include "arch/x86_64/passage_layout.h"
#include "control_registers.h"

bool metal_arrived_whole(const struct metal_frame* frame, unsigned ist) {
    const uint64_t cr3 = read_cr3() & CR3_ADDRESS, at = (uint64_t)frame;
    uint64_t roots[STATE_VARIANTS];
    bool own_stack = ist == 0 && at >= IMAGE_BASE;

    metal_state_roots(roots);
    for (unsigned i = 0; ist && i < TSS_COUNT; i++)
        own_stack |= metal_tss[i].ist[ist - 1] - at < IST_BYTES;
    /* The interrupted code is the host's; its stack may be the passage's, which the host has mapped too (E1).
     */
    return own_stack && frame->cs == KERNEL_CS && frame->rip >= IMAGE_BASE &&
           (cr3 == roots[0] || cr3 == roots[1]);
}

#define MAKE(name)                                \
    static struct metal_guest make_##name(void) { \
        return GUEST(name);                       \
    }
MAKE(no_idt)
MAKE(gdt_register)
MAKE(gdt_entry)
MAKE(breakpoint)

#define NOWHERE 0x700000001000ull
#define CODE_SEGMENT 0x00af9b000000ffffull
#define WRITE_WATCH 0x90402 /* DR7: 8 bytes */
enum { DEBUG = 1, GENERAL_PROTECTION = 13, PAGE_FAULT = 14 };

const struct metal_ending metal_endings[METAL_ENDINGS] = {
    {make_no_idt, 0, 0, GENERAL_PROTECTION, 1},
    {make_gdt_register, 0xff, NOWHERE, PAGE_FAULT, 1},
    {make_gdt_entry, 0x40, CODE_SEGMENT, GENERAL_PROTECTION, 1}, /* for its TSS */
    {make_breakpoint, WRITE_WATCH, GUEST_VCPU_DATA + PASSAGE_GUEST + WORLD_CR3, DEBUG, 0},
};

struct metal_guest metal_ending_begin(const struct metal_ending* ending) {
    struct metal_guest guest = ending->make();

    guest.parameters[PARAM_COUNT / 8] = ending->count;
    guest.parameters[PARAM_ARGUMENT / 8] = ending->argument;
    metal_guest_start(&guest);
    for (unsigned i = 0; i < ending->stays; i++)
        CHECK_EQUAL(metal_guest_run(&guest), 0);
    return guest;
}

void metal_ending_end(const struct metal_ending* ending, struct metal_guest* guest) {
    CHECK_EQUAL(guest->status, 0);
    CHECK_EQUAL(guest->run.end, COOP_END_BAD_STATE);
    CHECK_EQUAL(guest->run.detail, ending->detail);
    metal_guest_end(guest);
}
