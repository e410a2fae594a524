// SPDX-License-Identifier: GPL-2.0-only
/* Page tables for guest own_tables: its first gigabyte as it is, its run once more at any address of the
 * image's gigabyte, and the passage if asked for. */
#include "case.h"
#include "control_registers.h"

enum { PRESENT_WRITABLE = 3, LARGE = 0x80 };

static uint64_t* table(const struct metal_guest* guest, unsigned number) {
    return (uint64_t*)(guest->ram + GUEST_TABLES + number * PAGE_BYTES);
}
static uint64_t entry(const struct metal_guest* guest, unsigned number) {
    return (guest->gpa + GUEST_TABLES + number * PAGE_BYTES) | PRESENT_WRITABLE;
}

uint64_t metal_own_tables(struct metal_guest* guest, uint64_t alias, bool passage) {
    enum { ROOT5, ROOT, LOW, LOW_DIRECTORY, TOP, ALIAS_DIRECTORY };

    table(guest, ROOT5)[0] = table(guest, ROOT5)[511] = entry(guest, ROOT);
    table(guest, ROOT)[0] = entry(guest, LOW);
    table(guest, ROOT)[511] = entry(guest, TOP);
    table(guest, LOW)[0] = entry(guest, LOW_DIRECTORY);
    for (uint64_t i = 0; i < 512; i++)
        table(guest, LOW_DIRECTORY)[i] = i * LARGE_PAGE_BYTES | PRESENT_WRITABLE | LARGE;
    table(guest, TOP)[alias >> 30 & 511] = entry(guest, ALIAS_DIRECTORY);
    table(guest, ALIAS_DIRECTORY)[alias >> 21 & 511] = guest->gpa | PRESENT_WRITABLE | LARGE;
    if (passage)
        table(guest, TOP)[COOP_PASSAGE_PUD_INDEX] = guest->parameters[PARAM_PUD / 8];
    return entry(guest, read_cr4() & CR4_LA57 ? ROOT5 : ROOT) & ~(uint64_t)PRESENT_WRITABLE;
}
