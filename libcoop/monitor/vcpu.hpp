// SPDX-License-Identifier: GPL-2.0-only
// Vcpu: one virtual CPU. A thread of the guest's process lends itself to run(); any thread or interrupt may
// raise events.
#pragma once

#include "base/assert.hpp"
#include "base/counter.hpp"
#include "base/owned.hpp"
#include "coop/guest/abi.h"
#include "coop/ioctl.h"
#include "monitor/world.hpp"

#include <array>
#include <atomic>

namespace coop {

class Guest;

struct VcpuStats {
    Counter switches, interrupts, injected, self_interrupts, guest_ticks, wait_ns;
    std::array<Counter, 16> doorbells;
};

class Vcpu {
public:
    // Context: may sleep. Fails: NO_MEMORY.
    static Result<Owned<Vcpu>> create(Guest& guest, std::uint32_t index, FrameLedger& ledger,
                                      WorldShared& shared);
    Vcpu(Guest& guest, std::uint32_t index, World world)
        : guest_{guest}, index_{index}, world_{std::move(world)} {}
    Vcpu(const Vcpu&) = delete;
    ~Vcpu() { COOP_ASSERT(!running_); }

    // page: this vCPU's shared page. Before run. Context: may sleep.
    void start(coop_vcpu_page* page, Physical entry, Physical boot_params);

    // Run until the guest ends (0) or the thread must return to user space (-INTERRUPTED). BUSY: another
    // thread runs it already. Once it is started. Context: may sleep.
    int run();

    // Set event bits and make the vCPU see them soon. Context: any.
    void raise(std::uint64_t events);
    // A device interrupt. Context: any.
    void raise_device(std::uint32_t device);
    // Make the vCPU's thread look at the guest's state. Context: any.
    void wake();

    const VcpuStats& stats() const { return stats_; }
    const WorldStats& world_stats() const { return world_.stats(); }

private:
    enum class Next { again, yield, wait };

    Next run_section();
    Next answer_doorbells(Exit& last);
    Next handle_doorbell();
    void prepare_events();
    void account_steal(std::uint64_t now);
    void end_with_fault(std::uint32_t reason, std::uint64_t detail);
    std::uint64_t arm_timer(std::uint64_t deadline);
    int wait();
    bool has_events() const;
    static void on_timer(void* self);

    static constexpr std::uint32_t no_cpu = ~0u;
    // Doorbells answered without leaving the critical section; bounds how long host interrupts can wait.
    static constexpr unsigned fast_doorbells = 128;

    Guest& guest_;
    const std::uint32_t index_;
    World world_;
    Event event_;
    Timer timer_;
    coop_vcpu_page* page_ = nullptr;
    std::atomic<bool> running_{false};
    std::atomic<std::uint32_t> cpu_{no_cpu};
    std::uint64_t ready_since_ = 0; // TSC; 0: waiting, or never run
    std::uint64_t stolen_ticks_ = 0;
    // TSC ticks of the last stays, if only NMIs ended them: the guest let nothing in and rang no doorbell.
    std::uint64_t masked_ticks_ = 0;
    VcpuStats stats_;
};

} // namespace coop
