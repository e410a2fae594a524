// SPDX-License-Identifier: GPL-2.0-only
// World: one vCPU's side of the world switch, as the run loop sees it. arch/x86_64/world.cpp implements it;
// unit tests put a scripted one in its place at link time.
#pragma once

#include "base/address.hpp"
#include "base/counter.hpp"
#include "base/owned.hpp"
#include "memory/frame_ledger.hpp"
#include "memory/guest_memory.hpp"

#include <cstdint>

namespace coop {

// Why the guest left. NMIs and machine checks have been handed to the host already, whatever the kind
// (handled: nothing else came); an interrupt's vector waits for reraise().
struct Exit {
    enum class Kind { doorbell, interrupt, handled, exception, bad_state };
    Kind kind;
    std::uint32_t vector; // interrupt, exception
};

// What World has dealt with by itself.
struct WorldStats {
    Counter nmis, machine_checks;
    Counter aborts; // entries given up because an NMI or machine check came just before the guest would run
};

struct Doorbell {
    std::uint64_t reason;
    std::uint64_t arguments[3];
};

// The host-wide half: what this CPU and kernel look like, refusals. Context: any CPU, may sleep.
struct HostFeatures {
    std::uint64_t features; // COOP_HOST_*
    std::uint64_t xcr0;
    std::uint32_t refusal; // a COOP_HOST_* bit or 0
};
HostFeatures probe_host_features();

// This CPU's time stamp counter, the guests' clock. Context: any.
std::uint64_t read_tsc();

// What all vCPUs of a guest share: the intermediate address space, and the tables for the guest's first
// steps. Owner: caller, world_shared_destroy after the last World. Context: may sleep. Fails: NO_MEMORY.
struct WorldShared;
Result<WorldShared*> world_shared_create(FrameLedger& ledger, const GuestMemory& memory);
void world_shared_destroy(WorldShared* shared);

class World {
public:
    // Context: may sleep. Fails: NO_MEMORY.
    static Result<World> create(FrameLedger& ledger, WorldShared& shared, std::uint32_t vcpu);

    // Let the first entry begin at entry with the boot protocol's registers.
    void set_start(Physical entry, Physical boot_params);

    // From load_guest to load_host: one critical section. After load_host every register is the host's.
    void load_guest();
    void load_host();
    // Run the guest until it leaves. After load_guest.
    Exit enter();
    // Take an interrupt exit's vector through the host's own handlers, which may run for a while. After
    // load_host, same section.
    void reraise(std::uint32_t vector);

    // Context of all below: the vCPU's thread, not between load_guest and load_host unless inside that
    // critical section.
    bool left_by_doorbell() const;
    Doorbell doorbell() const;
    void set_result(std::uint64_t value);
    // Whether the guest can be interrupted where it stopped.
    bool interrupts_enabled() const;
    // Let the next entry deliver an event to upcall_va; entry_stack_va serves if user mode was interrupted.
    // False if no code can be at upcall_va; then nothing is delivered.
    bool inject(std::uint64_t upcall_va, std::uint64_t entry_stack_va);
    std::uint64_t rip() const;
    std::uint64_t fault_address() const;
    const WorldStats& stats() const;

private:
    struct State;
    static void release(State* state);
    Exit explain_exit();
    using Handle = coop::Handle<State, release>;
    explicit World(Handle state) : state_{std::move(state)} {}
    Handle state_;
};

} // namespace coop
