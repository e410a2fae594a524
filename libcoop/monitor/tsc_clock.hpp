// SPDX-License-Identifier: GPL-2.0-only
// TscClock: converts TSC ticks to nanoseconds without a division.
#pragma once

#include <cstdint>

namespace coop {

class TscClock {
public:
    constexpr TscClock() = default;
    constexpr explicit TscClock(std::uint64_t khz)
        : khz_{khz}, ns_per_tick_{(ns_per_ms << fraction_bits) / khz} {}

    constexpr std::uint64_t khz() const { return khz_; }
    // Exact to 2^-32 relative; saturates instead of wrapping.
    constexpr std::uint64_t to_ns(std::uint64_t ticks) const {
        const auto product = static_cast<unsigned __int128>(ticks) * ns_per_tick_ >> fraction_bits;
        return product > UINT64_MAX ? UINT64_MAX : static_cast<std::uint64_t>(product);
    }

private:
    static constexpr std::uint64_t ns_per_ms = 1'000'000;
    static constexpr unsigned fraction_bits = 32;
    std::uint64_t khz_ = 1;
    std::uint64_t ns_per_tick_ = 0;
};

} // namespace coop
