// SPDX-License-Identifier: GPL-2.0-only
/* coop_host_ram_*: runs for guests. What is given back shows in the hint. */
#include "contract.h"

#define MIB (1ull << 20)
enum { RUNS = 3 };
static const uint64_t sizes[RUNS] = {2 * MIB, 4 * MIB, 8 * MIB};

static void dirty(uint64_t phys, uint64_t bytes) {
    volatile uint64_t* words = coop_host_ram_va(phys);
    uint64_t i;

    for (i = 0; i < bytes / sizeof(*words); i++)
        words[i] = phys + i;
}

static bool still_dirty(uint64_t phys, uint64_t bytes) {
    const volatile uint64_t* words = coop_host_ram_va(phys);
    uint64_t i;

    for (i = 0; i < bytes / sizeof(*words); i++) {
        if (words[i] != phys + i)
            return false;
    }
    return true;
}

static void one_run(uint64_t phys, uint64_t bytes) {
    uint8_t* va = coop_host_ram_va(phys);
    volatile uint8_t* last;

    CONTRACT_CHECK(phys % (2 * MIB) == 0);
    CONTRACT_CHECK(va);
    if (!va)
        return;
    CONTRACT_CHECK(contract_zeroed(va, bytes));
    CONTRACT_CHECK((uint8_t*)coop_host_ram_va(phys + 4097) == va + 4097);
    last = coop_host_ram_va(phys + bytes - 1);
    CONTRACT_CHECK(last == va + bytes - 1);
    *last = 0x5a;
    CONTRACT_CHECK(contract_at(phys + bytes - 1) && *contract_at(phys + bytes - 1) == 0x5a);
    dirty(phys, bytes);
}

/* All sizes at once; what was dirty before comes back clean. */
static void runs(void) {
    uint64_t phys[RUNS];
    bool there[RUNS];
    unsigned i;

    for (i = 0; i < RUNS; i++) {
        there[i] = coop_host_ram_alloc(sizes[i], &phys[i]) == 0;
        CONTRACT_CHECK(there[i]);
        if (there[i])
            one_run(phys[i], sizes[i]);
    }
    for (i = 0; i < RUNS; i++) {
        if (!there[i])
            continue;
        CONTRACT_CHECK(still_dirty(phys[i], sizes[i]));
        coop_host_ram_free(phys[i], sizes[i]);
    }
}

struct question {
    uint64_t phys;
    void* va;
};

static void ask(void* argument) {
    struct question* question = argument;

    question->va = coop_host_ram_va(question->phys);
    *(volatile uint8_t*)question->va = 1;
}

static void in_any_context(void) {
    struct question question = {0, NULL};
    void* va;

    if (coop_host_ram_alloc(2 * MIB, &question.phys) != 0) {
        CONTRACT_CHECK(!"coop_host_ram_alloc");
        return;
    }
    va = coop_host_ram_va(question.phys);
    coop_host_critical_begin();
    ask(&question);
    coop_host_critical_end();
    CONTRACT_CHECK(question.va == va);
    question.va = NULL;
    contract_in_interrupt(ask, &question);
    CONTRACT_CHECK(question.va == va);
    coop_host_ram_free(question.phys, 2 * MIB);
}

static void refusals(void) {
    uint64_t phys = 0;

    CONTRACT_CHECK(coop_host_ram_alloc(1ull << 46, &phys) == -COOP_E_NO_MEMORY);
    CONTRACT_CHECK(coop_host_ram_alloc(~(2 * MIB - 1), &phys) == -COOP_E_NO_MEMORY);
}

void contract_ram(void) {
    /* More than the hint may differ by for other reasons: rounds that kept their runs would show. */
    enum { ROUNDS = 4 };
    const uint64_t tolerance = 32 * MIB;
    uint64_t before, after;
    unsigned i;

    runs();
    before = coop_host_ram_available();
    CONTRACT_CHECK(before > tolerance && before < 1ull << 46);
    for (i = 0; i < ROUNDS; i++) {
        runs();
        refusals();
    }
    in_any_context();
    after = coop_host_ram_available();
    CONTRACT_CHECK(after + tolerance >= before);
}
