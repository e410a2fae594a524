// SPDX-License-Identifier: GPL-2.0-only
// Counter: written by one thread, read by any.
#pragma once

#include <atomic>
#include <cstdint>

namespace coop {

class Counter {
public:
    void add(std::uint64_t amount = 1) {
        value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
    }
    std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> value_{0};
};

} // namespace coop
