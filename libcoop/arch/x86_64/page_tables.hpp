// SPDX-License-Identifier: GPL-2.0-only
// PageTables: a small tree of 4- or 5-level page tables of our own (SDM 3A 4.5), for the intermediate address
// space and for the guest's first steps. Only adds mappings; the tree goes as a whole.
#pragma once

#include "base/address.hpp"
#include "base/result.hpp"
#include "memory/page_block.hpp"

#include <cstdint>

namespace coop {

class PageTables {
public:
    enum Access : std::uint64_t {
        read_execute = 0,
        read_write = 2
    }; // the R/W bit; NX is added to writable pages

    PageTables(FrameLedger& ledger, unsigned levels) : ledger_{ledger}, levels_{levels} {}
    PageTables(const PageTables&) = delete;
    ~PageTables();

    // Map [va, va + bytes) to physical in 4 KiB pages. Context: may sleep. Fails: NO_MEMORY.
    Status map_pages(std::uint64_t va, Physical physical, std::uint64_t bytes, Access access);
    // Map in 2 MiB pages, writable and executable: the guest's own RAM before it has tables. Both addresses 2
    // MiB aligned.
    Status map_large(std::uint64_t va, Physical physical, std::uint64_t bytes);
    // Let va's whole 1 GiB be mapped by another tree's page directory.
    Status share_gigabyte(std::uint64_t va, std::uint64_t entry);
    // The entry for va's 1 GiB in this tree, for share_gigabyte. 0 if nothing is mapped there.
    std::uint64_t gigabyte_entry(std::uint64_t va) const;

    // Value for CR3. Valid once something is mapped.
    std::uint64_t root() const { return root_.value(); }

private:
    struct Table;
    Result<Table*> new_table();
    const Table* find(std::uint64_t slot) const;
    Result<std::uint64_t*> entry(std::uint64_t va, unsigned level);
    Result<std::uint64_t*> directory(std::uint64_t va);

    FrameLedger& ledger_;
    unsigned levels_;
    Table* tables_ = nullptr; // all tables, newest first
    std::uint64_t* top_ = nullptr;
    std::uint64_t* recent_ = nullptr; // the page directory of …
    std::uint64_t recent_gigabyte_ = 0;
    Physical root_;
};

} // namespace coop
