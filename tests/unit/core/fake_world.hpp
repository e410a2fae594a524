// SPDX-License-Identifier: GPL-2.0-only
// FakeWorld: monitor/world.hpp without a switch. The guest is a script of exits; what the core asks of the
// World is recorded, its order in FakeHost's history. One vCPU of one guest runs it at a time.
#pragma once

#include "core/fake_host.hpp"
#include "monitor/world.hpp"

#include <atomic>
#include <deque>
#include <functional>
#include <vector>

namespace coop::test {

// For Exit, brief.
Exit interrupt_exit(std::uint32_t vector);
Exit exception_exit(std::uint32_t vector);
Exit handled_exit();
Exit bad_state_exit(std::uint32_t vector);

class FakeWorld {
public:
    struct Injection {
        std::uint64_t upcall_va, entry_stack_va;
        bool operator==(const Injection&) const = default;
    };
    // What the guest does in one stay; may change the fields below.
    using Stay = std::function<Exit()>;

    FakeWorld();
    FakeWorld(const FakeWorld&) = delete;
    FakeWorld& operator=(const FakeWorld&) = delete;
    ~FakeWorld();
    static FakeWorld& current();

    // The next stay, after those already scripted.
    FakeWorld& then(Stay stay);
    FakeWorld& then(Exit exit);
    FakeWorld& then_doorbell(std::uint64_t reason, std::uint64_t first = 0, std::uint64_t second = 0,
                             std::uint64_t third = 0);
    // Every stay after the script's end; without one, the guest powers off (and a script is left unfinished
    // never).
    void otherwise(Stay stay) { otherwise_ = std::move(stay); }
    // For a Stay: leaves by a doorbell.
    Exit ring(std::uint64_t reason, std::uint64_t first = 0, std::uint64_t second = 0,
              std::uint64_t third = 0);

    std::atomic<std::uint64_t> tsc{2'000'000'000}; // stands still unless a test moves it

    // The guest's state.
    bool interrupts_enabled = false;
    std::uint64_t rip = 0xffffffff81000123, fault_address = 0;
    WorldStats stats;
    HostFeatures features{.features = COOP_HOST_LA57, .xcr0 = 7, .refusal = 0};

    // What the core did.
    Physical entry, boot_params;
    std::vector<std::uint64_t> results; // of doorbells
    std::vector<Injection> injections;  // in force at an entry
    bool no_code_at_upcall = false;     // inject refuses
    std::uint64_t entries = 0;
    std::size_t script_left() const { return script_.size(); }

    // Called by World's members.
    void load(bool guest);
    Exit enter();
    void reraise(std::uint32_t vector);
    bool inject(Injection injection);
    bool left_by_doorbell() const { return left_by_doorbell_; }
    Doorbell last_doorbell() const { return doorbell_; }

private:
    Exit next_stay();

    std::deque<Stay> script_;
    Stay otherwise_;
    Doorbell doorbell_{};
    bool loaded_ = false;
    bool left_by_doorbell_ = false;
    std::optional<Injection> injection_;
};

} // namespace coop::test
