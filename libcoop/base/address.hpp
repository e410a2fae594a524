// SPDX-License-Identifier: GPL-2.0-only
// Strong types for addresses and sizes. Guest-physical equals host-physical (docs/architecture.md), so there
// is one Physical.
#pragma once

#include <compare>
#include <cstdint>

namespace coop {

inline constexpr std::uint64_t page_bytes = 4096;
inline constexpr std::uint64_t large_page_bytes = 2ull << 20;

constexpr bool is_aligned(std::uint64_t value, std::uint64_t alignment) {
    return (value & (alignment - 1)) == 0;
}
constexpr std::uint64_t align_up(std::uint64_t value, std::uint64_t alignment) {
    return (value + alignment - 1) & ~(alignment - 1);
}
constexpr std::uint64_t align_down(std::uint64_t value, std::uint64_t alignment) {
    return value & ~(alignment - 1);
}

// A physical address. Arithmetic is withheld: ranges are checked with PhysicalRange.
class Physical {
public:
    constexpr Physical() = default;
    constexpr explicit Physical(std::uint64_t value) : value_{value} {}
    constexpr std::uint64_t value() const { return value_; }
    constexpr auto operator<=>(const Physical&) const = default; // NOLINT(modernize-use-nullptr)

private:
    std::uint64_t value_ = 0;
};

// [start, start + bytes); never wraps.
class PhysicalRange {
public:
    constexpr PhysicalRange() = default;
    constexpr PhysicalRange(Physical start, std::uint64_t bytes) : start_{start}, bytes_{bytes} {}

    constexpr Physical start() const { return start_; }
    constexpr std::uint64_t bytes() const { return bytes_; }
    // Whole containment; false if [address, address + bytes) would wrap.
    constexpr bool contains(Physical address, std::uint64_t bytes) const {
        if (address < start_)
            return false;
        const std::uint64_t offset = address.value() - start_.value();
        return offset <= bytes_ && bytes <= bytes_ - offset;
    }

private:
    Physical start_;
    std::uint64_t bytes_ = 0;
};

} // namespace coop
