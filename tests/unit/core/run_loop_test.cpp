// SPDX-License-Identifier: GPL-2.0-only
// How a thread lends itself to a vCPU and gets itself back.
#include "core/guest_fixture.hpp"

#include <catch2/catch.hpp>

using namespace coop;
using namespace coop::test;

namespace {

// More doorbells than this in one go would keep the host's interrupts waiting too long.
constexpr std::size_t most_doorbells = 128;

// The largest number of entries inside one critical section.
std::size_t longest_section(const std::vector<std::string>& history) {
    std::size_t longest = 0;
    std::size_t entries = 0;
    for (const std::string& call : history) {
        if (call == "critical_begin")
            entries = 0;
        if (call == "enter")
            longest = std::max(longest, ++entries);
    }
    return longest;
}

} // namespace

TEST_CASE_METHOD(GuestFixture, "quick doorbells stay in one critical section, but not for ever", "[run]") {
    constexpr std::size_t doorbells = 500;
    for (std::size_t i = 0; i < doorbells; ++i)
        world.then_doorbell(COOP_DOORBELL_TIMER, 0);
    guest.run_to_end();
    const std::size_t longest = longest_section(host.history());
    CHECK(longest > 1);
    CHECK(longest <= most_doorbells);
    CHECK(host.count("yield") >= doorbells / most_doorbells); // a storm of doorbells does not starve the host
    CHECK(host.count("load_guest") == host.count("load_host"));
    CHECK(guest.stats().switches == doorbells + 1);
}

TEST_CASE_METHOD(GuestFixture, "refused doorbells are bounded likewise", "[run]") {
    for (int i = 0; i < 200; ++i)
        world.then_doorbell(UINT64_MAX);
    guest.run_to_end();
    CHECK(longest_section(host.history()) <= most_doorbells);
}

TEST_CASE_METHOD(GuestFixture, "so are waits that need no waiting", "[run]") {
    REQUIRE(coop_guest_interrupt(guest.handle, 0) == 0); // never taken
    for (int i = 0; i < 200; ++i)
        world.then_doorbell(COOP_DOORBELL_WAIT);
    guest.run_to_end();
    CHECK(longest_section(host.history()) <= most_doorbells);
    CHECK(host.count("event_wait") == 0);
}

TEST_CASE_METHOD(GuestFixture, "a signal brings the thread back, and the guest goes on later", "[run]") {
    bool signal = true;
    host.on_yield = [&] { return signal; };
    world.then(interrupt_exit(0x20));
    CHECK(guest.run() == -COOP_E_INTERRUPTED);
    CHECK(world.entries == 1);
    CHECK(guest.run() == 0); // it was the last thing the script did
    CHECK(guest.last_run.end == COOP_END_POWEROFF);
}

TEST_CASE_METHOD(GuestFixture, "a signal ends a wait", "[run]") {
    host.on_wait = [] { return -COOP_E_INTERRUPTED; };
    world.then_doorbell(COOP_DOORBELL_WAIT).then_doorbell(COOP_DOORBELL_WAIT);
    CHECK(guest.run() == -COOP_E_INTERRUPTED);
    CHECK(world.entries == 1);
    CHECK(guest.run() == -COOP_E_INTERRUPTED); // WAIT has returned to the guest, which asks again
    CHECK(world.entries == 2);
    CHECK(guest.run() == 0);
    CHECK(guest.last_run.end == COOP_END_POWEROFF);
}

TEST_CASE_METHOD(GuestFixture, "the end is not lost when a signal comes with it", "[run]") {
    host.on_yield = [] { return true; };
    world.then_doorbell(COOP_DOORBELL_END, COOP_END_REBOOT);
    CHECK(guest.run() == 0);
    CHECK(guest.last_run.end == COOP_END_REBOOT);
}

TEST_CASE_METHOD(GuestFixture, "an end while waiting ends the wait", "[run]") {
    host.on_wait = [&] {
        coop_guest_end(guest.handle, COOP_END_KILLED);
        return 0;
    };
    world.then_doorbell(COOP_DOORBELL_WAIT);
    CHECK(guest.run_to_end().end == COOP_END_KILLED);
    CHECK(world.entries == 1);
}

TEST_CASE_METHOD(GuestFixture, "an end while running kicks the guest out", "[run]") {
    world.then([&] {
        coop_guest_end(guest.handle, COOP_END_KILLED);
        CHECK(host.arguments("kick") == std::vector<std::uint64_t>{FakeHost::default_cpu});
        return interrupt_exit(0xf6);
    });
    CHECK(guest.run_to_end().end == COOP_END_KILLED);
    CHECK(world.entries == 1);
    CHECK(host.arguments("reraise") == std::vector<std::uint64_t>{0xf6});
}

TEST_CASE_METHOD(GuestFixture, "the first reason stays", "[run]") {
    world.then([&] {
        coop_guest_end(guest.handle, COOP_END_KILLED);
        return world.ring(COOP_DOORBELL_END, COOP_END_POWEROFF);
    });
    CHECK(guest.run_to_end().end == COOP_END_KILLED);
    CHECK(guest.run_to_end().end == COOP_END_KILLED);
    CHECK(world.entries == 1);
}

TEST_CASE_METHOD(GuestFixture, "the host can kill, and give no reason of others", "[run]") {
    const std::uint32_t reason =
        GENERATE(0u, COOP_END_POWEROFF, COOP_END_REBOOT, COOP_END_HALT, COOP_END_PANIC, 5u, 15u,
                 COOP_END_STUCK, COOP_END_EXCEPTION, COOP_END_BAD_STATE, 20u, UINT32_MAX);
    CHECK(coop_guest_end(guest.handle, reason) == -COOP_E_INVALID);
    // The guest goes on, and its own end counts.
    CHECK(guest.run_to_end().end == COOP_END_POWEROFF);
    CHECK(world.entries == 1);
    CHECK(coop_guest_end(guest.handle, COOP_END_KILLED) == 0);
    CHECK(guest.run_to_end().end == COOP_END_POWEROFF);
}

TEST_CASE_METHOD(GuestFixture, "an ended guest stays ended", "[run]") {
    CHECK(guest.run_to_end().end == COOP_END_POWEROFF);
    const std::uint64_t entries = world.entries;
    CHECK(guest.run_to_end().end == COOP_END_POWEROFF);
    CHECK(world.entries == entries);
}

TEST_CASE_METHOD(GuestFixture, "there is no other vCPU", "[run]") {
    coop_run request{};
    request.vcpu = GENERATE(1u, unsigned{COOP_MAX_VCPUS}, UINT32_MAX);
    CHECK(coop_guest_run(guest.handle, &request) == -COOP_E_INVALID);
    CHECK(world.entries == 0);
}

TEST_CASE_METHOD(GuestFixture, "a vCPU has one thread", "[run]") {
    world.then([&] {
        coop_guest_interrupt(guest.handle, 0);
        return interrupt_exit(0x20);
    });
    host.on_yield = [&] { // as a second thread would, while the first is between two sections
        coop_run request{};
        CHECK(coop_guest_run(guest.handle, &request) == -COOP_E_BUSY);
        return false;
    };
    guest.run_to_end();
    CHECK(host.count("yield") >= 1);
}

TEST_CASE_METHOD(GuestFixture, "time in the guest is counted in the core's clock", "[run]") {
    constexpr std::uint64_t ticks = 2'000'000; // a millisecond at 2 GHz
    world.then([&] {
        world.tsc += ticks;
        return interrupt_exit(0x20);
    });
    guest.run_to_end();
    CHECK(guest.stats().guest_ns >= 999'999); // the clock rounds down
    CHECK(guest.stats().guest_ns <= 1'000'000);
    CHECK(guest.stats().wait_ns == 0);
}

TEST_CASE_METHOD(GuestFixture, "time that the host takes from a guest is told to it, time it waits is not",
                 "[run]") {
    host.on_yield = [&] {
        world.tsc += 10'000'000; // 5 ms at 2 GHz
        return false;
    };
    std::uint64_t after_yield = 0;
    world.then(interrupt_exit(0x20)).then([&] {
        after_yield = guest.page().steal_ns;
        return world.ring(COOP_DOORBELL_WAIT);
    });
    host.on_wait = [&] {
        world.tsc += 400'000'000;
        return coop_guest_interrupt(guest.handle, 0);
    };
    guest.run_to_end();
    CHECK(after_yield >= 4'999'999);
    CHECK(after_yield <= 5'000'000);
    CHECK(guest.page().steal_ns == after_yield);
}
