// SPDX-License-Identifier: GPL-2.0-only
#include "arch/x86_64/page_tables.hpp"

#include "base/assert.hpp"
#include "base/owned.hpp"

namespace coop {

namespace {

constexpr std::uint64_t present = 1 << 0;
constexpr std::uint64_t writable = 1 << 1;
constexpr std::uint64_t accessed_dirty = 3 << 5; // set beforehand: the walker need not write
constexpr std::uint64_t large = 1 << 7;
constexpr std::uint64_t no_execute = 1ull << 63;
constexpr std::uint64_t address_mask = 0x000ffffffffff000;

constexpr unsigned index_at(std::uint64_t va, unsigned level) {
    return (va >> (12 + 9 * (level - 1))) & 511;
}

} // namespace

// A page of 512 entries and the bookkeeping to find and free it; the page's physical address finds its kernel
// address.
struct PageTables::Table {
    PageBlock block;
    Physical physical;
    Table* next = nullptr;

    std::uint64_t* entries() const { return static_cast<std::uint64_t*>(block.va()); }
};

PageTables::~PageTables() {
    while (Table* table = tables_) {
        tables_ = table->next;
        destroy(table);
    }
}

Result<PageTables::Table*> PageTables::new_table() {
    PageBlock block = COOP_TRY(PageBlock::allocate(ledger_, 1));
    Owned<Table> table = COOP_TRY(make_owned<Table>());
    table->physical = block.physical();
    table->block = std::move(block);
    table->next = tables_;
    tables_ = table.release();
    return tables_;
}

// The table that an entry points to, or null.
const PageTables::Table* PageTables::find(std::uint64_t slot) const {
    const Table* table = tables_; // a handful: RAM is mapped in large pages
    while (table && table->physical.value() != (slot & address_mask))
        table = table->next;
    return table;
}

// The entry for va in its table of that level (1: page table, 2: page directory …), with the tables above
// made on the way.
Result<std::uint64_t*> PageTables::entry(std::uint64_t va, unsigned level) {
    if (!top_) {
        Table* table = COOP_TRY(new_table());
        top_ = table->entries();
        root_ = table->physical;
    }
    std::uint64_t* table = top_;
    for (unsigned at = levels_; at > level; --at) {
        std::uint64_t& slot = table[index_at(va, at)];
        if (!(slot & present)) {
            Table* below = COOP_TRY(new_table());
            slot = below->physical.value() | present | writable | accessed_dirty;
            table = below->entries();
            continue;
        }
        COOP_ASSERT(!(slot & large));
        const Table* below = find(slot);
        COOP_ASSERT(below);
        table = below->entries();
    }
    return &table[index_at(va, level)];
}

// The page directory of va's gigabyte. The last one is remembered: RAM is mapped in order, piece by piece.
Result<std::uint64_t*> PageTables::directory(std::uint64_t va) {
    if (!recent_ || recent_gigabyte_ != va >> 30) {
        recent_ = COOP_TRY(entry(va, 2)) - index_at(va, 2);
        recent_gigabyte_ = va >> 30;
    }
    return recent_;
}

Status PageTables::map_pages(std::uint64_t va, Physical physical, std::uint64_t bytes, Access access) {
    const std::uint64_t flags = present | accessed_dirty | access | (access == read_write ? no_execute : 0);
    for (std::uint64_t done = 0; done < bytes; done += page_bytes)
        *COOP_TRY(entry(va + done, 1)) = (physical.value() + done) | flags;
    return ok;
}

Status PageTables::map_large(std::uint64_t va, Physical physical, std::uint64_t bytes) {
    for (std::uint64_t done = 0; done < bytes; done += large_page_bytes)
        COOP_TRY(directory(va + done))
    [index_at(va + done, 2)] = (physical.value() + done) | present | writable | accessed_dirty | large;
    return ok;
}

Status PageTables::share_gigabyte(std::uint64_t va, std::uint64_t value) {
    *COOP_TRY(entry(va, 3)) = value;
    return ok;
}

std::uint64_t PageTables::gigabyte_entry(std::uint64_t va) const {
    const std::uint64_t* table = top_;
    for (unsigned at = levels_; table && at > 3; --at) {
        const Table* below = find(table[index_at(va, at)]);
        table = below ? below->entries() : nullptr;
    }
    return table ? table[index_at(va, 3)] : 0;
}

} // namespace coop
