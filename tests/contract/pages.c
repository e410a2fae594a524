// SPDX-License-Identifier: GPL-2.0-only
/* coop_host_pages_alloc, coop_host_pages_free, coop_host_phys. */
#include "contract.h"

enum { PAGE = 4096, MOST = 9 };

/* The block's pages, read back by their physical addresses. */
static void agrees(uint8_t* block, size_t pages) {
    uint64_t first = coop_host_phys(block), phys;
    size_t i;

    CONTRACT_CHECK(first % PAGE == 0);
    for (i = 0; i < pages; i++) {
        volatile uint8_t* at = block + i * PAGE + 7 * i;

        phys = coop_host_phys((const void*)at);
        CONTRACT_CHECK(phys == first + i * PAGE + 7 * i);
        *at = (uint8_t)(0xa0 + i);
        CONTRACT_CHECK(contract_at(phys) && *contract_at(phys) == 0xa0 + i);
    }
}

static void dirty(uint8_t* block, size_t pages) {
    volatile uint64_t* words = (volatile uint64_t*)block;
    size_t i;

    for (i = 0; i < pages * PAGE / sizeof(*words); i++)
        words[i] = ~0ull;
}

/* Blocks of all sizes at once; what was dirty before comes back clean. */
static void blocks(void) {
    uint8_t* all[MOST];
    size_t pages;

    for (pages = 1; pages <= MOST; pages++) {
        uint8_t* block = coop_host_pages_alloc(pages);

        all[pages - 1] = block;
        CONTRACT_CHECK(block);
        if (!block)
            continue;
        CONTRACT_CHECK((uintptr_t)block % PAGE == 0);
        CONTRACT_CHECK(contract_zeroed(block, pages * PAGE));
        dirty(block, pages);
        agrees(block, pages);
    }
    for (pages = 1; pages <= MOST; pages++) {
        if (!all[pages - 1])
            continue;
        agrees(all[pages - 1], pages); /* nobody else has written to them */
        coop_host_pages_free(all[pages - 1], pages);
    }
}

struct question {
    const void* va;
    uint64_t phys;
};

static void ask(void* argument) {
    struct question* question = argument;

    question->phys = coop_host_phys(question->va);
}

static void in_any_context(void) {
    struct question question = {coop_host_pages_alloc(1), 0};
    uint64_t phys;

    CONTRACT_CHECK(question.va);
    if (!question.va)
        return;
    phys = coop_host_phys(question.va);
    coop_host_critical_begin();
    ask(&question);
    coop_host_critical_end();
    CONTRACT_CHECK(question.phys == phys);
    question.phys = 0;
    contract_in_interrupt(ask, &question);
    CONTRACT_CHECK(question.phys == phys);
    coop_host_pages_free((void*)question.va, 1);
}

/* Text and data: no promise that their pages lie in a row, so byte by byte at both ends of several pages. */
static void image(void) {
    static uint8_t data[3 * PAGE] = {1};
    const volatile uint8_t* text = (const volatile uint8_t*)(uintptr_t)contract_pages;
    unsigned i;

    for (i = 0; i < sizeof(data); i += PAGE / 2) {
        uint64_t phys = coop_host_phys(data + i);

        data[i] = (uint8_t)(0x50 + i / 64);
        __asm__ volatile("" ::: "memory");
        CONTRACT_CHECK(contract_at(phys) && *contract_at(phys) == data[i]);
    }
    for (i = 0; i < 64; i++) {
        uint64_t phys = coop_host_phys((const void*)(text + i));

        CONTRACT_CHECK(contract_at(phys) && *contract_at(phys) == text[i]);
    }
}

void contract_pages(void) {
    enum { ROUNDS = 20 };
    unsigned i;

    for (i = 0; i < ROUNDS; i++)
        blocks();
    in_any_context();
    if (contract_in_image())
        image();
    CONTRACT_CHECK(!coop_host_pages_alloc((size_t)1 << 34));
    CONTRACT_CHECK(!coop_host_pages_alloc(~(size_t)0 / PAGE));
    CONTRACT_CHECK(!coop_host_pages_alloc(~(size_t)0));
}
