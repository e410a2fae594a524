// SPDX-License-Identifier: GPL-2.0-only
// LogRing: the newest bytes of a guest's early console. Positions count all bytes ever written.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace coop {

class LogRing {
public:
    static constexpr std::size_t bytes = 64ull << 10;

    // Context: critical section.
    void write(std::span<const std::uint8_t> text);
    // Copies what is there from position on, skipping first what has been overwritten, and moves position
    // behind it: what is copied are the bytes just before the new position. Returns their count. Context: may
    // sleep.
    std::size_t read(std::uint64_t& position, std::span<std::uint8_t> to);

private:
    // Held only inside critical sections, and briefly.
    class Lock;
    std::atomic_flag locked_ = ATOMIC_FLAG_INIT;
    std::uint64_t written_ = 0;
    std::uint8_t ring_[bytes];
};

} // namespace coop
