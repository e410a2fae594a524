// SPDX-License-Identifier: GPL-2.0-only
// The guest's memory map: 20-byte e820 entries as Linux takes them from boot_params and SETUP_E820_EXT nodes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "coop/ioctl.h"

namespace coop {

struct E820Entry {
    std::uint64_t start;
    std::uint64_t bytes;
    std::uint32_t type;
};
constexpr std::uint64_t e820_entry_bytes = 20; // packed, little endian
constexpr std::uint32_t e820_ram = 1;
constexpr std::uint32_t e820_reserved = 2;

// [0, 1 MiB) reserved first (Linux ignores a map of one entry), then the extents, neighbours joined. extents:
// sorted.
std::vector<E820Entry> e820_map(std::span<coop_extent const> extents);

// destination: at least e820_entry_bytes for each entry.
void write_e820(std::span<E820Entry const> entries, std::span<std::byte> destination);

} // namespace coop
