// SPDX-License-Identifier: GPL-2.0-only
// The guest's memory map; see e820.hpp.
#include "boot/e820.hpp"

#include "boot/little_endian.hpp"

namespace coop {

std::vector<E820Entry> e820_map(std::span<coop_extent const> extents) {
    std::vector<E820Entry> entries{{0, 1 << 20, e820_reserved}};
    for (auto const& extent : extents) {
        auto& last = entries.back();
        if (last.type == e820_ram && last.start + last.bytes == extent.gpa) {
            last.bytes += extent.size;
        } else {
            entries.push_back({extent.gpa, extent.size, e820_ram});
        }
    }
    return entries;
}

void write_e820(std::span<E820Entry const> entries, std::span<std::byte> destination) {
    std::uint64_t offset = 0;
    for (auto const& entry : entries) {
        write_le(destination, offset, entry.start);
        write_le(destination, offset + 8, entry.bytes);
        write_le(destination, offset + 16, entry.type);
        offset += e820_entry_bytes;
    }
}

} // namespace coop
