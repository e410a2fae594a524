// SPDX-License-Identifier: GPL-2.0-only
#include "core/fake_world.hpp"

#include "coop/ioctl.h"
#include "memory/page_block.hpp"

namespace coop {

// As many kinds of resource as the real one takes, so that a failure in any of them is seen.
struct WorldShared {
    WorldShared(PageBlock first, PageBlock second) : tables{std::move(first), std::move(second)} {}
    PageBlock tables[2];
    unsigned worlds = 0;
};

struct World::State {
    State(WorldShared& world_shared, PageBlock block) : shared{world_shared}, pages{std::move(block)} {
        ++shared.worlds;
    }
    ~State() { --shared.worlds; }

    WorldShared& shared;
    PageBlock pages;
};

using test::FakeHost;
using test::FakeWorld;

HostFeatures probe_host_features() {
    return FakeWorld::current().features;
}

std::uint64_t read_tsc() {
    return FakeWorld::current().tsc;
}

Result<WorldShared*> world_shared_create(FrameLedger& ledger, const GuestMemory&) {
    PageBlock first = COOP_TRY(PageBlock::allocate(ledger, 1));
    PageBlock second = COOP_TRY(PageBlock::allocate(ledger, 2));
    Owned<WorldShared> shared = COOP_TRY(make_owned<WorldShared>(std::move(first), std::move(second)));
    return shared.release();
}

void world_shared_destroy(WorldShared* shared) {
    if (shared->worlds != 0)
        FakeHost::current().violation("world_shared_destroy before the last World");
    destroy(shared);
}

void World::release(State* state) {
    destroy(state);
}

Result<World> World::create(FrameLedger& ledger, WorldShared& shared, std::uint32_t) {
    PageBlock pages = COOP_TRY(PageBlock::allocate(ledger, 4));
    Owned<State> state = COOP_TRY(make_owned<State>(shared, std::move(pages)));
    return World{Handle{state.release()}};
}

void World::set_start(Physical entry, Physical boot_params) {
    FakeWorld::current().entry = entry;
    FakeWorld::current().boot_params = boot_params;
}

void World::load_guest() {
    FakeWorld::current().load(true);
}
void World::load_host() {
    FakeWorld::current().load(false);
}
Exit World::enter() {
    return FakeWorld::current().enter();
}
void World::reraise(std::uint32_t vector) {
    FakeWorld::current().reraise(vector);
}
bool World::left_by_doorbell() const {
    return FakeWorld::current().left_by_doorbell();
}
Doorbell World::doorbell() const {
    return FakeWorld::current().last_doorbell();
}
void World::set_result(std::uint64_t value) {
    FakeWorld::current().results.push_back(value);
}
bool World::interrupts_enabled() const {
    return FakeWorld::current().interrupts_enabled;
}
bool World::inject(std::uint64_t upcall_va, std::uint64_t entry_stack_va) {
    return FakeWorld::current().inject({upcall_va, entry_stack_va});
}
std::uint64_t World::rip() const {
    return FakeWorld::current().rip;
}
std::uint64_t World::fault_address() const {
    return FakeWorld::current().fault_address;
}
const WorldStats& World::stats() const {
    return FakeWorld::current().stats;
}

} // namespace coop

namespace coop::test {

namespace {

FakeWorld* the_world = nullptr;

FakeHost& host() {
    return FakeHost::current();
}

} // namespace

Exit interrupt_exit(std::uint32_t vector) {
    return {Exit::Kind::interrupt, vector};
}
Exit exception_exit(std::uint32_t vector) {
    return {Exit::Kind::exception, vector};
}
Exit handled_exit() {
    return {Exit::Kind::handled, 0};
}
Exit bad_state_exit(std::uint32_t vector) {
    return {Exit::Kind::bad_state, vector};
}

FakeWorld::FakeWorld() {
    the_world = this;
}

FakeWorld::~FakeWorld() {
    the_world = nullptr;
}

FakeWorld& FakeWorld::current() {
    return *the_world;
}

FakeWorld& FakeWorld::then(Stay stay) {
    script_.push_back(std::move(stay));
    return *this;
}

FakeWorld& FakeWorld::then(Exit exit) {
    return then([exit] { return exit; });
}

FakeWorld& FakeWorld::then_doorbell(std::uint64_t reason, std::uint64_t first, std::uint64_t second,
                                    std::uint64_t third) {
    return then([=, this] { return ring(reason, first, second, third); });
}

Exit FakeWorld::ring(std::uint64_t reason, std::uint64_t first, std::uint64_t second, std::uint64_t third) {
    interrupts_enabled = false; // a doorbell is called with interrupts off
    doorbell_ = {reason, {first, second, third}};
    return {Exit::Kind::doorbell, 0};
}

void FakeWorld::load(bool guest) {
    host().note(guest ? "load_guest" : "load_host");
    if (!FakeHost::in_critical_section())
        host().violation("the world is switched outside a critical section");
    if (loaded_ == guest)
        host().violation("the same world is loaded twice");
    loaded_ = guest;
}

Exit FakeWorld::enter() {
    host().note("enter");
    if (!loaded_ || !FakeHost::in_critical_section())
        host().violation("enter outside load_guest … load_host");
    ++entries;
    if (injection_)
        injections.push_back(*std::exchange(injection_, std::nullopt));
    const Exit exit = next_stay();
    left_by_doorbell_ = exit.kind == Exit::Kind::doorbell;
    return exit;
}

Exit FakeWorld::next_stay() {
    if (!script_.empty()) {
        const Stay stay = std::move(script_.front());
        script_.pop_front();
        return stay();
    }
    return otherwise_ ? otherwise_() : ring(COOP_DOORBELL_END, COOP_END_POWEROFF);
}

void FakeWorld::reraise(std::uint32_t vector) {
    host().note("reraise", vector);
    if (loaded_ || !FakeHost::in_critical_section())
        host().violation("reraise not between load_host and the critical section's end");
}

bool FakeWorld::inject(Injection injection) {
    if (!interrupts_enabled)
        host().violation("inject into a guest with interrupts off");
    if (injection.upcall_va == 0)
        host().violation("inject without an upcall");
    if (!no_code_at_upcall)
        injection_ = injection;
    return !no_code_at_upcall;
}

} // namespace coop::test
