// SPDX-License-Identifier: GPL-2.0-only
// CpuSlots: per CPU, since when a guest has been running there without a break. A guest that lets interrupts
// in leaves at each host tick, so a long stay means that it keeps them off; the watchdog then evicts it by an
// NMI from another CPU.
#pragma once

#include "base/result.hpp"

#include <atomic>
#include <cstdint>

namespace coop {

class CpuSlots {
public:
    // Context: may sleep. Fails: NO_MEMORY.
    Status create(std::uint32_t cpus);
    void destroy();

    // Context: critical section on that CPU.
    void entered(std::uint32_t cpu, std::uint64_t tsc) {
        slots_[cpu].since.store(tsc, std::memory_order_relaxed);
    }
    // Returns whether the watchdog has asked for the guest's eviction meanwhile.
    bool left(std::uint32_t cpu) {
        Slot& slot = slots_[cpu];
        const std::uint64_t since = slot.since.load(std::memory_order_relaxed);
        slot.since.store(0, std::memory_order_relaxed);
        return slot.evict.load(std::memory_order_relaxed) == since;
    }
    // Evict every guest that has stayed longer than limit ticks. Context: any.
    void check(std::uint64_t now, std::uint64_t limit);

private:
    struct alignas(64) Slot {
        std::atomic<std::uint64_t> since{0}; // 0: no guest there
        // The stay to end, by its since: a request that comes late does not hit the next guest.
        std::atomic<std::uint64_t> evict{0};
    };
    Slot* slots_ = nullptr;
    void* memory_ = nullptr;
    std::uint32_t cpus_ = 0;
};

} // namespace coop
