// SPDX-License-Identifier: GPL-2.0-only
// Guest: everything that one guest holds. coop/core.h's functions are thin wrappers over it.
#pragma once

#include "base/owned.hpp"
#include "bus/notifier_table.hpp"
#include "coop/ioctl.h"
#include "memory/frame_ledger.hpp"
#include "memory/guest_memory.hpp"
#include "monitor/log_ring.hpp"
#include "monitor/vcpu.hpp"

#include <array>
#include <atomic>
#include <span>

namespace coop {

class Guest {
public:
    // Context: may sleep. Fails: INVALID, NO_MEMORY, NOT_SUPPORTED.
    // With its name and nothing else; take() gets what it needs.
    static Result<Owned<Guest>> create(const coop_create& request);
    Guest() : memory_{ledger_} {}
    Guest(const Guest&) = delete;
    ~Guest();

    const char* name() const { return name_; }
    const GuestMemory& memory() const { return memory_; }

    // RAM, passages, vCPUs. Once. Context: may sleep. Fails: INVALID, NO_MEMORY, TOO_BIG.
    Status take(const coop_create& request);

    // Context of these: may sleep.
    Status start(const coop_start& request);
    Status set_notifier(std::uint32_t device, std::uint32_t queue, coop_host_notifier* notifier);
    int run(coop_run& request);
    void stats(coop_stats& stats) const;
    LogRing& log_ring() { return log_; }

    // Context of these: any.
    // Once true, end_ is complete.
    bool ended() const { return end_reason_.load() != 0; }
    // The first reason given stays.
    void end(std::uint32_t reason, std::uint64_t detail, std::uint64_t rip, std::uint64_t address);
    bool notify(std::uint64_t device, std::uint64_t queue) { return notifiers_.signal(device, queue); }
    void log(std::span<const std::uint8_t> text);
    // Raise events on another vCPU; false if there is no such vCPU or event.
    bool send(std::uint64_t vcpu, std::uint64_t events);
    Status interrupt(std::uint32_t device);
    Status raise(std::uint64_t events);

    Guest* next = nullptr; // CoreState::guests

private:
    Vcpu* boot_vcpu() const { return started_.load(std::memory_order_acquire) ? vcpus_[0].get() : nullptr; }

    using Shared = Handle<WorldShared, world_shared_destroy>;

    char name_[COOP_NAME_BYTES] = {};
    Mutex setup_mutex_; // start and set_notifier, which user space may call at the same time
    FrameLedger ledger_;
    GuestMemory memory_;
    Shared shared_;
    std::array<Owned<Vcpu>, COOP_MAX_VCPUS> vcpus_;
    std::uint32_t vcpu_count_ = 0;
    std::uint32_t device_count_ = 0;
    NotifierTable notifiers_;
    Notifier log_notifier_;
    LogRing log_;
    std::atomic<bool> started_{false};
    std::atomic<std::uint32_t> end_claimed_{0};
    std::atomic<std::uint32_t> end_reason_{0};
    coop_run end_{};
};

} // namespace coop
