// SPDX-License-Identifier: GPL-2.0-only
// A guest kernel as a file: vmlinux (ELF64), or a bzImage (Linux x86 boot protocol 2.08 or later) with one
// inside.
#pragma once

#include "coop/guest/abi.h"
#include "devices/expected.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace coop {

// Fully checked by parse(); owns copies of the loadable parts, so the file may go away.
class KernelImage {
public:
    static constexpr std::uint64_t max_load_bytes = 512ull << 20;

    // Any bytes are safe. Refuses a kernel without the note of coop/guest/abi.h, or with another ABI major
    // version.
    static Expected<KernelImage> parse(std::span<std::byte const> file);

    // Contiguous memory the kernel needs, .bss included, in bytes: a multiple of 2 MiB.
    std::uint64_t load_bytes() const { return load_bytes_; }
    // The 64-bit entry point, from the load address.
    std::uint64_t entry_offset() const { return entry_offset_; }
    coop_boot_note const& note() const { return note_; }

    // Writes the image; all the rest of destination becomes zero. Fails if destination is smaller than
    // load_bytes().
    Expected<void> load(std::span<std::byte> destination) const;

private:
    struct Segment {
        std::uint64_t offset; // from the load address
        std::vector<std::byte> bytes;
    };

    static Expected<KernelImage> parse_elf(std::span<std::byte const> file);

    std::vector<Segment> segments_;
    std::uint64_t load_bytes_ = 0;
    std::uint64_t entry_offset_ = 0;
    coop_boot_note note_{};
};

} // namespace coop
