// SPDX-License-Identifier: GPL-2.0-only
/*
 * No translation of another world's is there under a process-context identifier that both use: host and two
 * guests have a page at one address, each with a word of its own, and all go to and fro between the same
 * identifiers without a flush of their own (bit 63 of MOV CR3). No emulator tags its TLB: pcid.py has this
 * case recorded, from the first mark to the last, and looks up each access in such a TLB.
 */
#include "case.h"
#include "control_registers.h"

enum { WORD = 0x100000, ROUNDS = 4 };
#define HOST_WORD 0x686f7374ull
#define MARK __asm__ volatile("xchg %%bx, %%bx" ::: "memory")

/* A guest that has run once and will look at its word at va, without global pages. */
static struct metal_guest looker(const char* name, uint64_t va, uint64_t word) {
    extern const char metal_guest_pcid_looker[], metal_guest_pcid_looker_end[];
    struct metal_guest guest = metal_guest_make(name, metal_guest_pcid_looker, metal_guest_pcid_looker_end);

    metal_signal(true);
    CHECK_EQUAL(metal_guest_run(&guest), 0);
    guest.parameters[PARAM_COUNT / 8] = va + WORD;
    guest.parameters[PARAM_TICKS / 8] = read_cr4() | CR4_PGE;
    guest.parameters[PARAM_ARGUMENT / 8] = metal_own_tables(&guest, va, true) | CR3_NO_FLUSH;
    *(volatile uint64_t*)(guest.ram + WORD) = word;
    return guest;
}

/* Under 2, then under 1, as the guest does under 1, then under 2: each leaves with the one it entered by. */
static void look_from_host(uint64_t va) {
    const uint64_t root = read_cr3() & CR3_ADDRESS;

    for (uint64_t pcid = 2; pcid; pcid--) {
        write_cr3(root | pcid | CR3_NO_FLUSH);
        CHECK_EQUAL(*(volatile uint64_t*)(va + WORD), HOST_WORD);
    }
}

static void look_from_guest(struct metal_guest* guest, uint64_t word) {
    guest->parameters[PARAM_RESULT / 8] = guest->parameters[PARAM_EVENTS / 8] = 0;
    CHECK_EQUAL(metal_guest_run(guest), 0);
    CHECK_EQUAL(guest->parameters[PARAM_RESULT / 8], word);
    CHECK_EQUAL(guest->parameters[PARAM_EVENTS / 8], word);
}

void case_tlb_pcid(void) {
    const uint64_t pages = GUEST_RUN_BYTES / PAGE_BYTES, cr3 = read_cr3(), cr4 = read_cr4();

    if (!has_pcid()) {
        metal_skip("no PCIDs");
        return;
    }
    const uint64_t phys = metal_frames_take(pages, pages), va = IMAGE_BASE + phys;
    *(volatile uint64_t*)(va + WORD) = HOST_WORD;
    write_cr4(cr4 | CR4_PCIDE);
    struct metal_guest first = looker("first", va, 1), second = looker("second", va, 2);
    MARK;
    write_cr4(cr4 & ~(uint64_t)CR4_PGE);
    write_cr4(cr4 | CR4_PCIDE);
    for (unsigned i = 0; i < ROUNDS; i++) {
        look_from_host(va);
        look_from_guest(&first, 1);
        if (i % 2)
            look_from_host(va);
        look_from_guest(&second, 2);
    }
    look_from_host(va);
    MARK;
    write_cr3(cr3 & CR3_ADDRESS);
    write_cr4(cr4);
    write_cr3(cr3);
    metal_guest_end(&first);
    metal_guest_end(&second);
    metal_frames_give(phys, pages);
}
