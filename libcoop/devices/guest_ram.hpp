// SPDX-License-Identifier: GPL-2.0-only
// The guest's RAM as mapped in this process: from guest-physical ranges to memory, checked in one place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace coop {

// One mapped range. gpa, size and base are multiples of the 4096-byte page. Owner of the mapping: the caller.
struct RamExtent {
    std::uint64_t gpa;
    std::uint64_t size;
    std::byte* base;
};

// Immutable once built, so any thread may use it. The mappings must outlive it and everything that uses it.
class GuestRam {
public:
    // extents: sorted by gpa. Throws std::invalid_argument if they are unsorted, overlapping, empty or
    // unaligned: that is the caller's mistake, never the guest's.
    explicit GuestRam(std::vector<RamExtent> extents);

    // The memory behind [gpa, gpa + bytes), or nullptr unless all of it is RAM and contiguous here. Any input
    // is safe.
    std::byte* translate(std::uint64_t gpa, std::uint64_t bytes) const;

    // The same where the range may run over extents that are neighbours for the guest but not in this
    // process: appends the pieces in order. Returns false, with pieces unchanged, unless all of it is RAM.
    // bytes 0 appends nothing.
    bool gather(std::uint64_t gpa, std::uint64_t bytes, std::vector<std::span<std::byte>>& pieces) const;

    std::vector<RamExtent> const& extents() const { return extents_; }

private:
    RamExtent const* find(std::uint64_t gpa) const;

    std::vector<RamExtent> extents_;
    std::vector<RamExtent> merged_; // extents_, neighbours in both worlds joined
};

} // namespace coop
