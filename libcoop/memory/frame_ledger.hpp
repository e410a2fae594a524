// SPDX-License-Identifier: GPL-2.0-only
// FrameLedger: counts the host's 4 KiB frames that a guest holds, so that its end can prove that all went
// home.
#pragma once

#include <atomic>
#include <cstdint>

namespace coop {

class FrameLedger {
public:
    void take(std::uint64_t frames) { frames_.fetch_add(frames, std::memory_order_relaxed); }
    void give_back(std::uint64_t frames) { frames_.fetch_sub(frames, std::memory_order_relaxed); }
    std::uint64_t frames() const { return frames_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> frames_{0};
};

} // namespace coop
