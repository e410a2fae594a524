// SPDX-License-Identifier: GPL-2.0-only
// Two threads and more: no wake-up is lost, no matter when it comes. A lost one shows as a wait that never
// ends, which the deadlines here turn into a failure. Catch2's assertions are for the main thread only.
#include "core/guest_fixture.hpp"
#include "monitor/cpu_slots.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <random>
#include <thread>

using namespace coop;
using namespace coop::test;

namespace {

constexpr auto patience = std::chrono::seconds{20};

template <class Condition>
bool comes_true(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    for (unsigned spins = 0; !condition(); ++spins) {
        if (std::chrono::steady_clock::now() > deadline)
            return false;
        if (spins % 64 == 63)
            std::this_thread::yield();
    }
    return true;
}

// Somewhere between now and a little later.
void dither(std::mt19937& random) {
    for (unsigned i = random() % 400; i > 0; --i)
        __builtin_ia32_pause();
}

struct Fixture : GuestFixture {
    // What the guest has taken so far.
    std::atomic<std::uint64_t> taken_events{0}, taken_devices{0}, stays{0};
    std::atomic<int> status{-1};

    std::uint64_t take(coop_u64& field) { return std::atomic_ref{field}.exchange(0); }
    void take_events() {
        taken_events |= take(guest.page().pending);
        taken_devices |= take(guest.page().devices);
    }
    // A guest that takes what there is, then waits.
    void idle() {
        world.otherwise([this] {
            ++stays;
            take_events();
            return world.ring(COOP_DOORBELL_WAIT);
        });
    }
    // A guest that computes until an interrupt arrives at its CPU, and takes events when it leaves and when
    // it enters.
    void busy() {
        world.otherwise([this] {
            ++stays;
            world.interrupts_enabled = true;
            take_events();
            const bool came =
                comes_true([this] { return host.interrupt_pending(FakeHost::this_cpu()).load(); });
            if (!came)
                host.violation("a kick was lost");
            return came ? interrupt_exit(0xf6) : world.ring(COOP_DOORBELL_END, COOP_END_PANIC);
        });
    }
    std::thread runner() {
        return std::thread{[this] {
            FakeHost::move_to(6);
            coop_run request{};
            status = coop_guest_run(guest.handle, &request);
            guest.last_run = request;
        }};
    }
    void end_and_join(std::thread& thread) {
        coop_guest_end(guest.handle, COOP_END_KILLED);
        thread.join();
        CHECK(status == 0);
        CHECK(guest.last_run.end == COOP_END_KILLED);
    }
    // Raises device after device; each must arrive.
    void raise_many(unsigned times) {
        std::mt19937 random{3};
        for (unsigned i = 0; i < times; ++i) {
            const std::uint32_t device = i % CreatedGuest::devices;
            taken_devices = 0;
            coop_guest_interrupt(guest.handle, device);
            REQUIRE(comes_true([&] { return taken_devices == std::uint64_t{1} << device; }));
            dither(random);
        }
    }
};

} // namespace

TEST_CASE_METHOD(Fixture, "a waiting guest gets every event", "[threads]") {
    idle();
    std::thread thread = runner();
    raise_many(3000);
    end_and_join(thread);
    CHECK(host.count("event_wait") > 0);
}

TEST_CASE_METHOD(Fixture, "a computing guest gets every event", "[threads]") {
    busy();
    std::thread thread = runner();
    raise_many(3000);
    end_and_join(thread);
    CHECK(host.count("kick") > 0);
}

TEST_CASE_METHOD(Fixture, "timers and other threads may raise at the same time", "[threads]") {
    idle();
    std::thread thread = runner();
    std::atomic<bool> done{false};
    std::thread second{[&] {
        while (!done) {
            coop_guest_event(guest.handle, COOP_EVENT_POWER_BUTTON);
            std::this_thread::yield();
        }
    }};
    raise_many(1000);
    done = true;
    second.join();
    CHECK(comes_true([&] { return (taken_events & COOP_EVENT_POWER_BUTTON) != 0; }));
    end_and_join(thread);
}

TEST_CASE("an end is never missed", "[threads]") {
    std::mt19937 random{4};
    for (unsigned i = 0; i < 150; ++i) {
        Fixture fixture;
        if (i % 2)
            fixture.idle();
        else
            fixture.busy();
        std::thread thread = fixture.runner();
        if (i % 3)
            REQUIRE(comes_true([&] { return fixture.stays > 0; }));
        dither(random);
        fixture.end_and_join(thread);
    }
}

TEST_CASE("of two ends one counts, whole", "[threads]") {
    for (unsigned i = 0; i < 100; ++i) {
        GuestFixture fixture;
        std::thread other{[&] { coop_guest_end(fixture.guest.handle, COOP_END_KILLED); }};
        fixture.world.then(exception_exit(6));
        const coop_run end = fixture.guest.run_to_end();
        other.join();
        REQUIRE((end.end == COOP_END_KILLED || end.end == COOP_END_EXCEPTION));
        REQUIRE(end.detail == (end.end == COOP_END_EXCEPTION ? 6 : 0));
        REQUIRE(end.rip == (end.end == COOP_END_EXCEPTION ? fixture.world.rip : 0));
    }
}

TEST_CASE_METHOD(Fixture, "a second thread for the vCPU is turned away while the first runs", "[threads]") {
    busy();
    std::thread thread = runner();
    REQUIRE(comes_true([&] { return stays > 0; }));
    for (int i = 0; i < 100; ++i) {
        coop_run request{};
        REQUIRE(coop_guest_run(guest.handle, &request) == -COOP_E_BUSY);
    }
    end_and_join(thread);
}

TEST_CASE("of two starts one wins, and of two notifiers none is lost", "[threads]") {
    FakeHost host;
    FakeWorld world;
    const LoadedCore core;
    for (unsigned i = 0; i < 200; ++i) {
        const CreatedGuest guest;
        const coop_start request = guest.start_request();
        coop_host_notifier* notifiers[2] = {host.make_notifier(), host.make_notifier()};
        std::atomic<int> started{0}, ready{0};
        const auto configure = [&](unsigned which) {
            ++ready;
            while (ready < 2)
                continue;
            if (coop_guest_set_notifier(guest.handle, 0, 0, notifiers[which]) != 0)
                coop_host_notifier_release(notifiers[which]);
            started += coop_guest_start(guest.handle, &request) == 0;
        };
        std::thread other{configure, 1};
        configure(0);
        other.join();
        REQUIRE(started == 1);
    }
}

TEST_CASE_METHOD(Fixture, "a log is read while it is written", "[threads]") {
    constexpr std::uint64_t total = 300'000;
    // Byte n of the log is n modulo 251.
    std::atomic<std::uint64_t> written{0};
    world.otherwise([&] {
        if (written >= total)
            return world.ring(COOP_DOORBELL_END, COOP_END_POWEROFF);
        const std::uint64_t count = 1 + written % COOP_LOG_BYTES;
        for (std::uint64_t i = 0; i < count; ++i)
            guest.page().log[i] = static_cast<std::uint8_t>((written + i) % 251);
        written += count;
        return world.ring(COOP_DOORBELL_LOG, count);
    });
    std::thread thread = runner();
    std::uint64_t position = 0;
    bool same = true;
    std::vector<std::uint8_t> text(5000);
    REQUIRE(comes_true([&] {
        const bool ended = status == 0; // before the read, or something may come in between
        const std::uint32_t count = coop_guest_log(guest.handle, &position, text.data(), text.size());
        for (std::uint32_t i = 0; i < count; ++i)
            same = same && text[i] == (position - count + i) % 251;
        return ended && count == 0;
    }));
    thread.join();
    CHECK(same);
    CHECK(position == written);
}

TEST_CASE("guests come and go on several threads", "[threads]") {
    FakeHost host;
    FakeWorld world;
    const LoadedCore core;
    std::atomic<unsigned> created{0}, refused{0}, wrong{0};
    const auto cycle = [&](const char* own) {
        for (unsigned i = 0; i < 100; ++i) {
            // Every second name is wanted by all.
            const coop_create request = create_request(i % 2 ? own : "shared", 8 * mib);
            coop_guest* guest = nullptr;
            const int status = coop_guest_create(&request, &guest);
            if (status == 0) {
                ++created;
                coop_guest_destroy(guest);
            } else {
                ++(status == -COOP_E_EXISTS && i % 2 == 0 ? refused : wrong);
            }
        }
    };
    std::thread first{cycle, "first"}, second{cycle, "second"};
    cycle("third");
    first.join();
    second.join();
    CHECK(created + refused == 300);
    CHECK(wrong == 0);
    coop_host_info info{};
    CHECK(coop_core_host_info(&info) == 0);
    CHECK(info.guests == 0);
}

TEST_CASE("the watchdog's request never hits the guest after the one it meant", "[threads]") {
    constexpr std::uint64_t now = 2'000'000'000;
    constexpr std::uint64_t limit = 1'000'000'000;
    FakeHost host;
    CpuSlots slots;
    REQUIRE(slots.create(1));
    std::atomic<bool> done{false};
    std::thread watchdog{[&] {
        while (!done)
            slots.check(now, limit);
    }};
    unsigned evicted = 0;
    unsigned wrongly = 0;
    std::mt19937 random{5};
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{2};
    for (std::uint64_t i = 1; evicted < 5000 && std::chrono::steady_clock::now() < deadline; ++i) {
        slots.entered(0, i); // long ago
        for (unsigned pauses = random() % 50; pauses > 0; --pauses)
            __builtin_ia32_pause();
        evicted += slots.left(0);
        slots.entered(0, now - limit / 2 + i); // not so long ago
        for (unsigned pauses = random() % 50; pauses > 0; --pauses)
            __builtin_ia32_pause();
        wrongly += slots.left(0);
    }
    done = true;
    watchdog.join();
    INFO("evicted " << evicted);
    CHECK(wrongly == 0);
    slots.entered(0, 1);
    slots.check(now, limit);
    CHECK(slots.left(0));
    slots.destroy();
}
