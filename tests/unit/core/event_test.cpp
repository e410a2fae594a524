// SPDX-License-Identifier: GPL-2.0-only
// Events: how they reach a guest that computes, waits or keeps its interrupts off.
#include "core/guest_fixture.hpp"

#include <catch2/catch.hpp>

using namespace coop;
using namespace coop::test;

namespace {

constexpr std::uint64_t upcall = 0xffffffff81234560;
constexpr std::uint64_t entry_stack = 0xfffffe0000003000;

struct Fixture : GuestFixture {
    Fixture() {
        guest.page().upcall_va = upcall;
        guest.page().entry_stack_va = entry_stack;
    }
    // As the guest's handler does.
    std::uint64_t take_pending() { return std::exchange(guest.page().pending, 0); }
    // Leaves with interrupts on or off, for no reason of the guest's.
    void then_interrupted(bool interrupts_on) {
        world.then([this, interrupts_on] {
            world.interrupts_enabled = interrupts_on;
            return handled_exit();
        });
    }
};

} // namespace

TEST_CASE_METHOD(Fixture, "an event is delivered at the next entry with interrupts on", "[event]") {
    REQUIRE(coop_guest_event(guest.handle, COOP_EVENT_POWER_BUTTON) == 0);
    then_interrupted(true);
    world.then([&] {
        CHECK(take_pending() == COOP_EVENT_POWER_BUTTON);
        return world.ring(COOP_DOORBELL_END, COOP_END_POWEROFF);
    });
    guest.run_to_end();
    CHECK(world.injections == std::vector<FakeWorld::Injection>{{upcall, entry_stack}});
    CHECK(guest.stats().events_injected == 1);
}

TEST_CASE_METHOD(Fixture, "without events nothing is injected", "[event]") {
    then_interrupted(true);
    then_interrupted(true);
    guest.run_to_end();
    CHECK(world.injections.empty());
    CHECK(guest.stats().events_injected == 0);
    CHECK(guest.stats().self_interrupts == 0);
    CHECK(host.count("interrupt_self") == 0);
}

TEST_CASE_METHOD(Fixture, "a guest without an upcall is left alone", "[event]") {
    guest.page().upcall_va = 0;
    world.interrupts_enabled = true;
    REQUIRE(coop_guest_interrupt(guest.handle, 0) == 0);
    guest.run_to_end();
    CHECK(world.injections.empty());
    CHECK(guest.stats().events_injected == 0);
}

TEST_CASE_METHOD(Fixture, "a guest whose upcall cannot be code is ended", "[event]") {
    world.interrupts_enabled = true;
    world.no_code_at_upcall = true;
    REQUIRE(coop_guest_event(guest.handle, COOP_EVENT_POWER_BUTTON) == 0);
    then_interrupted(true);
    coop_run run{};
    REQUIRE(coop_guest_run(guest.handle, &run) == 0);
    CHECK(run.end == COOP_END_BAD_STATE);
    CHECK(run.detail == 13);
    CHECK(world.injections.empty());
    CHECK(guest.stats().events_injected == 0);
}

TEST_CASE_METHOD(Fixture, "interrupts off: the host's interrupt waits for the guest's STI", "[event]") {
    REQUIRE(coop_guest_interrupt(guest.handle, 1) == 0);
    world.interrupts_enabled = false;
    world.then([&] {
        CHECK(host.interrupt_pending(FakeHost::default_cpu));
        CHECK(world.injections.empty());
        world.interrupts_enabled = true; // STI
        return interrupt_exit(0xf6);
    });
    world.then([&] {
        CHECK(take_pending() == COOP_EVENT_DEVICE);
        return world.ring(COOP_DOORBELL_END, COOP_END_POWEROFF);
    });
    guest.run_to_end();
    CHECK(world.injections.size() == 1);
    CHECK(guest.stats().self_interrupts == 1);
    CHECK(host.arguments("reraise") == std::vector<std::uint64_t>{0xf6});
}

TEST_CASE_METHOD(Fixture, "back from a wait the guest looks by itself, and only then", "[event]") {
    world.then([&] {
        guest.page().pending = COOP_EVENT_TIMER;
        return world.ring(COOP_DOORBELL_WAIT);
    });
    world.then([&] {
        CHECK_FALSE(host.interrupt_pending(FakeHost::default_cpu));
        return world.ring(COOP_DOORBELL_YIELD); // instead of looking
    });
    world.then([&] {
        CHECK(host.interrupt_pending(FakeHost::default_cpu));
        return world.ring(COOP_DOORBELL_END, COOP_END_POWEROFF);
    });
    guest.run_to_end();
    CHECK(world.injections.empty());
    CHECK(guest.stats().self_interrupts == 1);
}

TEST_CASE_METHOD(Fixture, "each device has its bit", "[event]") {
    CHECK(coop_guest_interrupt(guest.handle, 0) == 0);
    CHECK(coop_guest_interrupt(guest.handle, 2) == 0);
    CHECK(guest.page().devices == 0b101);
    CHECK(guest.page().pending == COOP_EVENT_DEVICE);
    for (const std::uint32_t device : {CreatedGuest::devices, 64u, UINT32_MAX})
        CHECK(coop_guest_interrupt(guest.handle, device) == -COOP_E_INVALID);
    CHECK(guest.page().devices == 0b101);
}

TEST_CASE_METHOD(Fixture, "a host may raise the power button and nothing else", "[event]") {
    for (std::uint64_t bits = 0; bits < 256; ++bits)
        CHECK(coop_guest_event(guest.handle, bits) ==
              (bits == COOP_EVENT_POWER_BUTTON ? 0 : -COOP_E_INVALID));
    CHECK(coop_guest_event(guest.handle, UINT64_MAX) == -COOP_E_INVALID);
    CHECK(guest.page().pending == COOP_EVENT_POWER_BUTTON);
}

TEST_CASE_METHOD(Fixture, "only a new event wakes", "[event]") {
    CHECK(coop_guest_interrupt(guest.handle, 0) == 0);
    CHECK(host.count("event_signal") == 1);
    CHECK(coop_guest_interrupt(guest.handle, 1) == 0);
    CHECK(host.count("event_signal") == 1);
    CHECK(coop_guest_event(guest.handle, COOP_EVENT_POWER_BUTTON) == 0);
    CHECK(host.count("event_signal") == 2);
    take_pending();
    CHECK(coop_guest_interrupt(guest.handle, 0) == 0);
    CHECK(host.count("event_signal") == 3);
    CHECK(host.count("kick") == 0); // it runs nowhere
}

TEST_CASE_METHOD(Fixture, "a new event wakes in the company of an old one too", "[event]") {
    world.then_doorbell(COOP_DOORBELL_SEND, 0, COOP_EVENT_CALL);
    world.then([&] {
        host.forget_history();
        return world.ring(COOP_DOORBELL_SEND, 0, COOP_EVENT_CALL | COOP_EVENT_RESCHEDULE);
    });
    world.then([&] {
        CHECK(host.count("event_signal") == 1);
        CHECK(guest.page().pending == (COOP_EVENT_CALL | COOP_EVENT_RESCHEDULE));
        return world.ring(COOP_DOORBELL_SEND, 0, COOP_EVENT_CALL | COOP_EVENT_RESCHEDULE);
    });
    world.then([&] {
        CHECK(host.count("event_signal") == 1);
        return world.ring(COOP_DOORBELL_END, COOP_END_POWEROFF);
    });
    guest.run_to_end();
}

TEST_CASE_METHOD(Fixture, "a running guest is kicked where it runs", "[event]") {
    world.then([&] {
        CHECK(coop_guest_interrupt(guest.handle, 0) == 0);
        CHECK(host.arguments("kick") == std::vector<std::uint64_t>{FakeHost::default_cpu});
        FakeHost::move_to(5); // the thread, once it is out
        return interrupt_exit(0x20);
    });
    world.then([&] {
        take_pending();
        CHECK(coop_guest_interrupt(guest.handle, 0) == 0);
        CHECK(host.arguments("kick") == std::vector<std::uint64_t>{FakeHost::default_cpu, 5});
        return interrupt_exit(0x20);
    });
    guest.run_to_end();
    host.forget_history();
    coop_guest_interrupt(guest.handle, 1);
    CHECK(host.count("kick") == 0);
}

TEST_CASE_METHOD(Fixture, "WAIT sleeps until an event", "[event]") {
    unsigned waits = 0;
    host.on_wait = [&] {
        if (++waits == 3) {
            host.advance(1000);
            CHECK(coop_guest_interrupt(guest.handle, 0) == 0);
        } else {
            // Woken for nothing: a signal for something that is gone already.
            host.advance(10);
            CHECK(coop_guest_event(guest.handle, COOP_EVENT_POWER_BUTTON) == 0);
            take_pending();
        }
        return 0;
    };
    world.then_doorbell(COOP_DOORBELL_WAIT);
    guest.run_to_end();
    CHECK(waits == 3);
    CHECK(guest.stats().wait_ns == 1020);
    CHECK(world.entries == 2);
}

TEST_CASE_METHOD(Fixture, "WAIT with an event pending returns at once", "[event]") {
    world.then([&] {
        CHECK(coop_guest_interrupt(guest.handle, 0) == 0);
        return world.ring(COOP_DOORBELL_WAIT);
    });
    guest.run_to_end();
    CHECK(host.count("event_wait") == 0);
    CHECK(world.entries == 2);
}

TEST_CASE_METHOD(Fixture, "the timer's event ends a wait", "[event]") {
    host.on_wait = [&] {
        CHECK(host.fire_timer());
        return 0;
    };
    world.then_doorbell(COOP_DOORBELL_TIMER, 1).then_doorbell(COOP_DOORBELL_WAIT);
    world.then([&] {
        CHECK(take_pending() == COOP_EVENT_TIMER);
        return world.ring(COOP_DOORBELL_END, COOP_END_POWEROFF);
    });
    guest.run_to_end();
}

TEST_CASE_METHOD(Fixture, "a timer armed before the end may fire after it", "[event]") {
    world.then_doorbell(COOP_DOORBELL_TIMER, 1);
    guest.run_to_end();
    CHECK(host.fire_timer());
    CHECK(guest.page().pending == COOP_EVENT_TIMER);
}
