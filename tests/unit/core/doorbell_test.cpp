// SPDX-License-Identifier: GPL-2.0-only
// What a guest may ask for, and what it gets when it asks nonsense.
#include "core/guest_fixture.hpp"

#include <catch2/catch.hpp>

#include <cstring>
#include <string>

using namespace coop;
using namespace coop::test;

namespace {

constexpr std::uint64_t refused(int error) {
    return static_cast<std::uint64_t>(-static_cast<std::int64_t>(error));
}

struct Fixture : GuestFixture {
    std::string log(std::uint64_t position = 0) {
        std::string text(100'000, '\0');
        text.resize(coop_guest_log(guest.handle, &position, text.data(), text.size()));
        return text;
    }
};

// With a notifier for device 1's queue 2, its configuration, and the log, set before the start.
struct NotifierFixture {
    NotifierFixture() {
        CHECK(coop_guest_set_notifier(guest.handle, 1, 2, queue) == 0);
        CHECK(coop_guest_set_notifier(guest.handle, 1, COOP_QUEUE_CONFIG, config) == 0);
        CHECK(coop_guest_set_notifier(guest.handle, COOP_NOTIFY_LOG, 0, log) == 0);
        const coop_start request = guest.start_request();
        REQUIRE(coop_guest_start(guest.handle, &request) == 0);
    }
    FakeHost host;
    FakeWorld world;
    LoadedCore core;
    coop_host_notifier* queue = host.make_notifier();
    coop_host_notifier* config = host.make_notifier();
    coop_host_notifier* log = host.make_notifier();
    CreatedGuest guest;
};

} // namespace

TEST_CASE_METHOD(Fixture, "END gives the guest's reason", "[doorbell]") {
    const std::uint64_t reason = GENERATE(COOP_END_POWEROFF, COOP_END_REBOOT, COOP_END_HALT, COOP_END_PANIC);
    world.then_doorbell(COOP_DOORBELL_END, reason);
    const coop_run end = guest.run_to_end();
    CHECK(end.end == reason);
    CHECK(end.rip == world.rip);
    CHECK(end.vcpu == 0);
    CHECK(world.entries == 1);
}

TEST_CASE_METHOD(Fixture, "END with a reason that is not a guest's is a panic", "[doorbell]") {
    world.then_doorbell(COOP_DOORBELL_END,
                        GENERATE(std::uint64_t{0}, std::uint64_t{5}, std::uint64_t{COOP_END_KILLED},
                                 std::uint64_t{COOP_END_STUCK}, std::uint64_t{1} << 32 | 1, UINT64_MAX));
    CHECK(guest.run_to_end().end == COOP_END_PANIC);
    CHECK(world.entries == 1);
}

TEST_CASE_METHOD(Fixture, "LOG appends what the page holds", "[doorbell]") {
    std::memcpy(guest.page().log, "hello, world", 12);
    world.then_doorbell(COOP_DOORBELL_LOG, 7).then_doorbell(COOP_DOORBELL_LOG, 0);
    world.then([&] {
        std::memcpy(guest.page().log, "and again", 9);
        return world.ring(COOP_DOORBELL_LOG, 9);
    });
    unsigned yields = 0;
    host.on_yield = [&] {
        ++yields;
        return false;
    };
    guest.run_to_end();
    CHECK(log() == "hello, and again");
    CHECK(log(7) == "and again");
    CHECK(log(UINT64_MAX).empty());
    CHECK(world.results[0] == 0);
    CHECK(yields >= 3); // the host's interrupts get their turn at each
}

TEST_CASE_METHOD(Fixture, "LOG never reads beyond the page's buffer", "[doorbell]") {
    std::memset(guest.page().log, 'x', COOP_LOG_BYTES);
    std::memset(guest.page().log + COOP_LOG_BYTES, '!', 100);
    world.then_doorbell(COOP_DOORBELL_LOG,
                        GENERATE(std::uint64_t{COOP_LOG_BYTES}, std::uint64_t{COOP_LOG_BYTES} + 1,
                                 std::uint64_t{1} << 32, std::uint64_t{1} << 63, UINT64_MAX));
    guest.run_to_end();
    CHECK(log() == std::string(COOP_LOG_BYTES, 'x'));
}

TEST_CASE_METHOD(NotifierFixture, "LOG wakes the log's reader", "[doorbell]") {
    world.then_doorbell(COOP_DOORBELL_LOG, 1).then_doorbell(COOP_DOORBELL_LOG, 1);
    guest.run_to_end();
    CHECK(log->signals == 2);
}

TEST_CASE_METHOD(NotifierFixture, "NOTIFY wakes the device's thread", "[doorbell]") {
    world.then_doorbell(COOP_DOORBELL_NOTIFY, 1, 2)
        .then_doorbell(COOP_DOORBELL_NOTIFY, 1, COOP_QUEUE_CONFIG)
        .then_doorbell(COOP_DOORBELL_NOTIFY, 1, 2);
    guest.run_to_end();
    CHECK(queue->signals == 2);
    CHECK(config->signals == 1);
    CHECK(log->signals == 0);
    CHECK(world.results == std::vector<std::uint64_t>{0, 0, 0, 0});
    CHECK(guest.stats().doorbells[COOP_DOORBELL_NOTIFY] == 3);
}

TEST_CASE_METHOD(NotifierFixture, "NOTIFY of what is not there is an error for the guest", "[doorbell]") {
    const std::uint64_t high = std::uint64_t{1} << 32;
    world.then_doorbell(COOP_DOORBELL_NOTIFY, 0, 0)
        .then_doorbell(COOP_DOORBELL_NOTIFY, COOP_MAX_DEVICES, 2)
        .then_doorbell(COOP_DOORBELL_NOTIFY, 1, COOP_MAX_QUEUES)
        .then_doorbell(COOP_DOORBELL_NOTIFY, 1, COOP_QUEUE_CONFIG - 1)
        .then_doorbell(COOP_DOORBELL_NOTIFY, 1 | high, 2)
        .then_doorbell(COOP_DOORBELL_NOTIFY, 1, 2 | high)
        .then_doorbell(COOP_DOORBELL_NOTIFY, UINT64_MAX, UINT64_MAX)
        .then_doorbell(COOP_DOORBELL_NOTIFY, COOP_NOTIFY_LOG, 0);
    guest.run_to_end();
    REQUIRE(world.results.size() == 9);
    for (int i = 0; i < 8; ++i)
        CHECK(world.results[i] == refused(COOP_E_NO_DEVICE));
    CHECK(queue->signals + config->signals + log->signals == 0);
}

TEST_CASE_METHOD(Fixture, "TIMER arms for the time until the deadline", "[doorbell]") {
    constexpr std::uint64_t ticks = 2'000'000'000'000; // 1000 s at 2 GHz
    world.then([&] { return world.ring(COOP_DOORBELL_TIMER, world.tsc + ticks); });
    world.then([&] {
        const std::uint64_t delay = host.timer_delay().value();
        CHECK(delay <= 1'000'000'000'000);
        CHECK(delay > 999'999'000'000); // the clock rounds down
        return world.ring(COOP_DOORBELL_TIMER, 0);
    });
    world.then([&] {
        CHECK_FALSE(host.timer_delay());
        return world.ring(COOP_DOORBELL_END, COOP_END_POWEROFF);
    });
    guest.run_to_end();
    CHECK(world.results == std::vector<std::uint64_t>{0, 0, 0});
}

TEST_CASE_METHOD(Fixture, "TIMER in the past fires at once, beyond all range as late as can be",
                 "[doorbell]") {
    world.then_doorbell(COOP_DOORBELL_TIMER, 1)
        .then_doorbell(COOP_DOORBELL_TIMER, UINT64_MAX)
        .then_doorbell(COOP_DOORBELL_TIMER, std::uint64_t{1} << 63);
    guest.run_to_end();
    const auto delays = host.arguments("timer_arm");
    REQUIRE(delays.size() == 3);
    CHECK(delays[0] == 0);
    for (int i : {1, 2}) {
        CHECK(delays[i] <= INT64_MAX); // hosts count in signed nanoseconds
        CHECK(delays[i] > 86'400'000'000'000'000);
    }
}

TEST_CASE_METHOD(Fixture, "SEND raises on an existing vCPU what vCPUs send each other", "[doorbell]") {
    const std::uint64_t all =
        COOP_EVENT_RESCHEDULE | COOP_EVENT_CALL | COOP_EVENT_CALL_SINGLE | COOP_EVENT_STOP;
    world.then_doorbell(COOP_DOORBELL_SEND, 0, all);
    world.then([&] {
        CHECK(guest.page().pending == all);
        return world.ring(COOP_DOORBELL_SEND, 0, 0);
    });
    guest.run_to_end();
    CHECK(world.results == std::vector<std::uint64_t>{0, 0, 0});
}

TEST_CASE_METHOD(Fixture, "SEND of anything else is refused", "[doorbell]") {
    const std::vector<std::array<std::uint64_t, 2>> wrong{{1, COOP_EVENT_CALL},
                                                          {UINT64_MAX, COOP_EVENT_CALL},
                                                          {std::uint64_t{1} << 32, COOP_EVENT_CALL},
                                                          {0, COOP_EVENT_TIMER},
                                                          {0, COOP_EVENT_DEVICE},
                                                          {0, COOP_EVENT_POWER_BUTTON | COOP_EVENT_CALL},
                                                          {0, std::uint64_t{1} << 63},
                                                          {0, UINT64_MAX}};
    for (const auto& [vcpu, events] : wrong)
        world.then_doorbell(COOP_DOORBELL_SEND, vcpu, events);
    guest.run_to_end();
    REQUIRE(world.results.size() == wrong.size() + 1);
    for (std::size_t i = 0; i < wrong.size(); ++i)
        CHECK(world.results[i] == refused(COOP_E_INVALID));
    CHECK(guest.page().pending == 0);
}

TEST_CASE_METHOD(Fixture, "unknown doorbells are refused and counted as the last", "[doorbell]") {
    world.then_doorbell(0)
        .then_doorbell(COOP_DOORBELL_START, 1, 2, 3) // one vCPU: nothing to start
        .then_doorbell(9)
        .then_doorbell(15)
        .then_doorbell(16)
        .then_doorbell(std::uint64_t{1} << 32 | COOP_DOORBELL_WAIT)
        .then_doorbell(UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX);
    guest.run_to_end();
    REQUIRE(world.results.size() == 8);
    for (int i = 0; i < 7; ++i)
        CHECK(world.results[i] == refused(COOP_E_NOT_SUPPORTED));
    const coop_stats stats = guest.stats();
    CHECK(stats.doorbells[0] == 1);
    CHECK(stats.doorbells[COOP_DOORBELL_START] == 1);
    CHECK(stats.doorbells[9] == 1);
    CHECK(stats.doorbells[15] == 4);
    CHECK(stats.doorbells[COOP_DOORBELL_WAIT] == 0);
}

TEST_CASE_METHOD(Fixture, "YIELD leaves the critical section and lets others run", "[doorbell]") {
    world.then_doorbell(COOP_DOORBELL_YIELD);
    guest.run_to_end();
    CHECK(host.count("yield") >= 1);
    const auto history = host.history();
    const auto yield = std::find(history.begin(), history.end(), "yield");
    CHECK(*std::prev(yield) == "critical_end");
    CHECK(std::count(history.begin(), yield, "enter") == 1);
    CHECK(world.results.front() == 0);
}
