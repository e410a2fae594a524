// SPDX-License-Identifier: GPL-2.0-only
#include "monitor/cpu_slots.hpp"

#include "base/address.hpp"

#include <new>

namespace coop {

Status CpuSlots::create(std::uint32_t cpus) {
    // The heap aligns to 16 bytes only; a slot wants a cache line of its own.
    memory_ = coop_host_alloc((cpus + 1) * sizeof(Slot));
    if (!memory_)
        return Error{COOP_E_NO_MEMORY};
    const auto unaligned = reinterpret_cast<std::uintptr_t>(memory_);
    slots_ = reinterpret_cast<Slot*>(static_cast<char*>(memory_) +
                                     (align_up(unaligned, alignof(Slot)) - unaligned));
    for (std::uint32_t cpu = 0; cpu < cpus; ++cpu)
        new (&slots_[cpu]) Slot{};
    cpus_ = cpus;
    return ok;
}

void CpuSlots::destroy() {
    coop_host_free(memory_);
    memory_ = nullptr;
    slots_ = nullptr;
    cpus_ = 0;
}

void CpuSlots::check(std::uint64_t now, std::uint64_t limit) {
    for (std::uint32_t cpu = 0; cpu < cpus_; ++cpu) {
        const std::uint64_t since = slots_[cpu].since.load(std::memory_order_relaxed);
        if (since == 0 || now < since || now - since < limit)
            continue;
        slots_[cpu].evict.store(since, std::memory_order_relaxed);
        coop_host_kick_nmi(cpu);
    }
}

} // namespace coop
