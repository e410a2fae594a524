// SPDX-License-Identifier: GPL-2.0-only
// CoreState: what the core knows for the whole host, between load and unload.
#pragma once

#include "base/owned.hpp"
#include "monitor/cpu_slots.hpp"
#include "monitor/tsc_clock.hpp"
#include "monitor/world.hpp"

namespace coop {

class Guest;

struct CoreState {
    HostFeatures host{};
    TscClock clock;
    CpuSlots cpu_slots;
    std::uint64_t stuck_limit_ticks = 0;
    std::uint32_t cpus = 0;
    Mutex mutex;             // protects the two below
    Guest* guests = nullptr; // linked by Guest::next
    std::uint32_t guest_count = 0;
};

extern CoreState core_state;

} // namespace coop
