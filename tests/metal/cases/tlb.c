// SPDX-License-Identifier: GPL-2.0-only
/*
 * No translation outlives its world's stay. Both worlds have a global page at one address, each with a word
 * of its own; whoever reads the other's has got its translation. CR4 is the same in both, since any other
 * difference would flush too. QEMU drops everything at each MOV CR3: these fail under Bochs alone.
 */
#include "case.h"
#include "control_registers.h"

enum { GLOBAL = 0x100, WORD = 0x100000, ALIAS_TABLE = 5, ROUNDS = 20 };
#define HOST_WORD 0x686f7374ull

/* The host's large page: a frame run that only the case uses, at the address where the guests look. */
struct page {
    uint64_t phys, va;
    uint64_t* entry;
};

static void invalidate(uint64_t va) {
    __asm__ volatile("invlpg (%0)" ::"r"(va) : "memory");
}

static uint64_t look(uint64_t va) {
    return *(volatile uint64_t*)(va + WORD);
}

/* In the page directory of the tables in force. */
static uint64_t* directory_entry(uint64_t va) {
    uint64_t table = read_cr3();

    for (unsigned level = read_cr4() & CR4_LA57 ? 5 : 4; level > 2; level--)
        table = ((uint64_t*)metal_va(table & CR3_ADDRESS))[va >> (12 + 9 * (level - 1)) & 511];
    return (uint64_t*)metal_va(table & CR3_ADDRESS) + (va >> 21 & 511);
}

static struct page host_page(void) {
    struct page page = {.phys =
                            metal_frames_take(GUEST_RUN_BYTES / PAGE_BYTES, GUEST_RUN_BYTES / PAGE_BYTES)};

    page.va = IMAGE_BASE + page.phys;
    page.entry = directory_entry(page.va);
    *page.entry |= GLOBAL;
    invalidate(page.va);
    *(volatile uint64_t*)(page.va + WORD) = HOST_WORD;
    return page;
}

static void give_back(const struct page* page) {
    *page->entry &= ~(uint64_t)GLOBAL;
    invalidate(page->va);
    metal_frames_give(page->phys, GUEST_RUN_BYTES / PAGE_BYTES);
}

/* The large page at va in the guest's tables. */
static void map(struct metal_guest* guest, uint64_t va, uint64_t phys) {
    uint64_t* table = (uint64_t*)(guest->ram + GUEST_TABLES + ALIAS_TABLE * PAGE_BYTES);

    table[va >> 21 & 511] = phys | 0x83 | GLOBAL;
}

static void stay(struct metal_guest* guest) {
    CHECK_EQUAL(metal_guest_run(guest), 0);
}
static void stay_there(void* guest) {
    stay(guest);
}

/* A guest that sees the word at va, in its own run. */
static struct metal_guest looker(const char* name, uint64_t va, uint64_t word) {
    extern const char metal_guest_looker[], metal_guest_looker_end[];
    struct metal_guest guest = metal_guest_make(name, metal_guest_looker, metal_guest_looker_end);

    metal_signal(true);
    stay(&guest);
    guest.parameters[PARAM_COUNT / 8] = va + WORD;
    guest.parameters[PARAM_TICKS / 8] = read_cr4() | CR4_PGE;
    guest.parameters[PARAM_ARGUMENT / 8] = metal_own_tables(&guest, va, true);
    map(&guest, va, guest.gpa);
    *(volatile uint64_t*)(guest.ram + WORD) = word;
    return guest;
}

void case_tlb_global(void) {
    struct page page = host_page();
    struct metal_guest first = looker("first", page.va, 1), second = looker("second", page.va, 2);

    for (unsigned i = 0; i < ROUNDS; i++) {
        CHECK_EQUAL(look(page.va), HOST_WORD);
        stay(&first);
        CHECK_EQUAL(first.parameters[PARAM_RESULT / 8], 1);
        if (i % 2)
            CHECK_EQUAL(look(page.va), HOST_WORD);
        stay(&second);
        CHECK_EQUAL(second.parameters[PARAM_RESULT / 8], 2);
    }
    metal_guest_end(&first);
    metal_guest_end(&second);
    give_back(&page);
}

/*
 * A guest's frames, given to the host and mapped elsewhere; another guest has its own at that address. It has
 * run before, since a guest's first CR4, without PGE, would flush.
 */
void case_tlb_frames(void) {
    const uint64_t va = IMAGE_BASE + (1ull << 29);

    for (unsigned i = 0; i < ROUNDS / 4; i++) {
        struct metal_guest second = looker("second", va, 2);

        second.parameters[PARAM_COUNT / 8] = second.gpa + WORD;
        stay(&second);
        struct metal_guest first = looker("first", va, 1);
        const uint64_t was = first.gpa;
        stay(&first);
        CHECK_EQUAL(first.parameters[PARAM_RESULT / 8], 1);
        metal_guest_end(&first);
        struct page page = host_page();
        CHECK_EQUAL(page.phys, was);
        second.parameters[PARAM_COUNT / 8] = va + WORD;
        stay(&second);
        CHECK_EQUAL(second.parameters[PARAM_RESULT / 8], 2);
        CHECK_EQUAL(look(page.va), HOST_WORD);
        metal_guest_end(&second);
        give_back(&page);
    }
}

/* What a vCPU maps anew on the second CPU is new on the first, too. */
void case_tlb_migration(void) {
    struct page page = host_page();
    struct metal_guest guest = looker("looker", page.va, 1);

    for (unsigned i = 0; i < ROUNDS; i++) {
        map(&guest, page.va, guest.gpa);
        stay(&guest);
        CHECK_EQUAL(guest.parameters[PARAM_RESULT / 8], 1);
        map(&guest, page.va, page.phys);
        metal_smp_call(stay_there, &guest);
        metal_smp_wait();
        CHECK_EQUAL(guest.parameters[PARAM_RESULT / 8], HOST_WORD);
        stay(&guest);
        CHECK_EQUAL(guest.parameters[PARAM_RESULT / 8], HOST_WORD);
        map(&guest, page.va, guest.gpa);
        metal_smp_call(stay_there, &guest);
        metal_smp_wait();
        CHECK_EQUAL(guest.parameters[PARAM_RESULT / 8], 1);
    }
    metal_guest_end(&guest);
    give_back(&page);
}
