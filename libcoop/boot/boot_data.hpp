// SPDX-License-Identifier: GPL-2.0-only
// Where things are in the boot data run: the zero page, the command line, the shared area with its setup_data
// node, and the node that extends the memory map.
#pragma once

#include "base/address.hpp"
#include "boot/boot_params.hpp"
#include "boot/e820.hpp"

#include <cstdint>

namespace coop {

// Offsets from the start of the run, in bytes.
struct BootDataLayout {
    std::uint64_t boot_params = 0;
    std::uint64_t command_line = 0;
    std::uint64_t shared_node = 0; // right before shared
    std::uint64_t shared = 0;      // page-aligned, so that vCPU and device pages are pages
    std::uint64_t shared_bytes = 0;
    std::uint64_t e820_node = 0;
    std::uint64_t end = 0; // not rounded

    // e820_entries: at most so many in the whole map.
    BootDataLayout(unsigned vcpus, unsigned devices, std::uint64_t e820_entries);
};

inline BootDataLayout::BootDataLayout(unsigned vcpus, unsigned devices, std::uint64_t e820_entries) {
    command_line = boot_params + boot_params::bytes;
    shared = command_line + 2 * page_bytes; // the command line's page, and one at whose end the node lies
    shared_node = shared - boot_params::setup_node_bytes;
    shared_bytes = page_bytes * (1ull + vcpus + devices);
    e820_node = shared + shared_bytes;
    end = e820_node + boot_params::setup_node_bytes + e820_entries * e820_entry_bytes;
}

} // namespace coop
