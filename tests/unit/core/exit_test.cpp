// SPDX-License-Identifier: GPL-2.0-only
// Why a guest leaves, and what becomes of it.
#include "core/guest_fixture.hpp"

#include <catch2/catch.hpp>

using namespace coop;
using namespace coop::test;

namespace {

using History = std::vector<std::string>;

// A watchdog that loses patience after one tick.
struct ImpatientFixture : GuestFixture {
    ImpatientFixture() : GuestFixture{config()} {}
    static coop_core_config config() {
        coop_core_config config = core_config();
        config.tsc_khz = 1;
        config.stuck_limit_ns = 1'000'000;
        return config;
    }
    // The watchdog comes by while the guest runs; its NMI drives the guest out.
    void then_watched(bool interrupts_on) {
        world.then([this, interrupts_on] {
            world.interrupts_enabled = interrupts_on;
            world.tsc += 10;
            coop_core_watchdog();
            return handled_exit();
        });
    }
};

// Patience for three stays, not for four.
struct PatientFixture : GuestFixture {
    static constexpr std::uint64_t stay_ticks = 1000;
    PatientFixture() : GuestFixture{config()} {}
    static coop_core_config config() {
        coop_core_config config = core_config();
        config.tsc_khz = 1;
        config.stuck_limit_ns = 7 * stay_ticks / 2 * 1'000'000;
        return config;
    }
    // A stay that an NMI of the host's own ends, just after the watchdog came by.
    void then_nmi(bool interrupts_on) {
        world.then([this, interrupts_on] {
            world.interrupts_enabled = interrupts_on;
            world.tsc += stay_ticks;
            coop_core_watchdog();
            return handled_exit();
        });
    }
};

} // namespace

TEST_CASE_METHOD(GuestFixture, "an interrupt goes to the host after its world is back, interrupts still off",
                 "[exit]") {
    host.forget_history();
    world.then(interrupt_exit(0xec));
    guest.run_to_end();
    History history = host.history();
    history.resize(9);
    CHECK(history == History{"critical_begin", "guest_time_begin", "load_guest", "enter", "load_host",
                             "reraise", "guest_time_end", "critical_end", "yield"});
    CHECK(host.arguments("reraise") == std::vector<std::uint64_t>{0xec});
    CHECK(guest.stats().interrupts_forwarded == 1);
    CHECK(guest.stats().switches == 2);
}

TEST_CASE_METHOD(GuestFixture, "every vector is forwarded as it is", "[exit]") {
    std::vector<std::uint64_t> vectors;
    for (std::uint32_t vector = 0x20; vector < 0x100; ++vector) {
        world.then(interrupt_exit(vector));
        vectors.push_back(vector);
    }
    guest.run_to_end();
    CHECK(host.arguments("reraise") == vectors);
    CHECK(guest.stats().interrupts_forwarded == vectors.size());
}

TEST_CASE_METHOD(GuestFixture, "what the world handled by itself is counted and not raised again", "[exit]") {
    world.then([&] {
        world.stats.nmis.add(3);
        world.stats.machine_checks.add(2);
        world.stats.aborts.add();
        return handled_exit();
    });
    world.then(interrupt_exit(0x30));
    guest.run_to_end();
    CHECK(guest.stats().nmis_forwarded == 3);
    CHECK(guest.stats().machine_checks_forwarded == 2);
    CHECK(guest.stats().entries_aborted == 1);
    CHECK(host.arguments("reraise") == std::vector<std::uint64_t>{0x30});
}

TEST_CASE_METHOD(GuestFixture, "an exception ends the guest and says where", "[exit]") {
    world.rip = 0xffffffff81000042;
    world.fault_address = 0xdeadbeef000;
    world.then(exception_exit(14));
    const coop_run end = guest.run_to_end();
    CHECK(end.end == COOP_END_EXCEPTION);
    CHECK(end.detail == 14);
    CHECK(end.rip == 0xffffffff81000042);
    CHECK(end.address == 0xdeadbeef000);
    CHECK(world.entries == 1);
    CHECK(host.count("load_host") == 1);
}

TEST_CASE_METHOD(GuestFixture, "a state that cannot be entered ends the guest", "[exit]") {
    world.then(bad_state_exit(13));
    const coop_run end = guest.run_to_end();
    CHECK(end.end == COOP_END_BAD_STATE);
    CHECK(end.detail == 13);
    CHECK(end.rip == world.rip);
    CHECK(world.entries == 1);
}

TEST_CASE_METHOD(ImpatientFixture, "a guest that keeps interrupts off is ended", "[exit]") {
    then_watched(false);
    const coop_run end = guest.run_to_end();
    CHECK(end.end == COOP_END_STUCK);
    CHECK(end.rip == world.rip);
    CHECK(world.entries == 1);
    CHECK(host.arguments("kick_nmi") == std::vector<std::uint64_t>{FakeHost::default_cpu});
    coop_core_watchdog();
    CHECK(host.count("kick_nmi") == 1); // nobody is left to evict
}

TEST_CASE_METHOD(ImpatientFixture, "a guest driven out with interrupts on goes on", "[exit]") {
    then_watched(true);
    then_watched(true);
    CHECK(guest.run_to_end().end == COOP_END_POWEROFF);
    CHECK(host.count("kick_nmi") == 2);
}

TEST_CASE_METHOD(ImpatientFixture, "the watchdog has no business with time in the host", "[exit]") {
    host.on_yield = [&] {
        world.tsc += 10;
        coop_core_watchdog();
        return false;
    };
    world.then(interrupt_exit(0x20)).then(interrupt_exit(0x21));
    CHECK(guest.run_to_end().end == COOP_END_POWEROFF);
    CHECK(host.count("kick_nmi") == 0);
}

TEST_CASE_METHOD(GuestFixture, "a patient watchdog leaves a short stay alone", "[exit]") {
    world.then([&] {
        coop_core_watchdog();
        return interrupt_exit(0x20);
    });
    CHECK(guest.run_to_end().end == COOP_END_POWEROFF);
    CHECK(host.count("kick_nmi") == 0);
}

TEST_CASE_METHOD(PatientFixture, "the host's NMIs do not save a guest that keeps interrupts off", "[exit]") {
    for (unsigned i = 0; i < 8; ++i)
        then_nmi(false);
    CHECK(guest.run_to_end().end == COOP_END_STUCK);
    CHECK(world.entries <= 4);
}

TEST_CASE_METHOD(PatientFixture, "a guest that lets an interrupt in has all patience again", "[exit]") {
    for (unsigned i = 0; i < 3; ++i) {
        then_nmi(false);
        then_nmi(false);
        then_nmi(true);
    }
    CHECK(guest.run_to_end().end == COOP_END_POWEROFF);
    CHECK(host.count("kick_nmi") == 0);
}
