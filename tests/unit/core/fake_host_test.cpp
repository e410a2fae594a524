// SPDX-License-Identifier: GPL-2.0-only
// The fake host sees what it is there to see; otherwise the other tests would prove nothing.
#include "core/fake_world.hpp"
#include "core/guest_fixture.hpp"
#include "memory/guest_memory.hpp"

#include <catch2/catch.hpp>

using namespace coop;
using namespace coop::test;

namespace {

using Violations = std::vector<std::string>;

} // namespace

TEST_CASE("what is taken is counted until it is given back", "[fake_host]") {
    FakeHost host;
    void* block = coop_host_alloc(100);
    void* pages = coop_host_pages_alloc(2);
    std::uint64_t run = 0;
    REQUIRE(coop_host_ram_alloc(2 * mib, &run) == 0);
    coop_host_event* event = coop_host_event_create();
    coop_host_mutex* mutex = coop_host_mutex_create();
    coop_host_timer* timer = coop_host_timer_create([](void*) {}, nullptr);
    coop_host_notifier* notifier = host.make_notifier();
    CHECK(host.holdings() == Holdings{1, 1, 1, 1, 1, 1, 1});
    coop_host_free(block);
    coop_host_pages_free(pages, 2);
    coop_host_ram_free(run, 2 * mib);
    coop_host_event_destroy(event);
    coop_host_mutex_destroy(mutex);
    coop_host_timer_destroy(timer);
    coop_host_notifier_release(notifier);
    CHECK(host.holdings() == Holdings{});
}

TEST_CASE("giving back wrongly is seen", "[fake_host]") {
    FakeHost host;
    int foreign = 0;
    void* pages = coop_host_pages_alloc(2);
    std::uint64_t run = 0;
    REQUIRE(coop_host_ram_alloc(4 * mib, &run) == 0);
    coop_host_free(&foreign);
    coop_host_pages_free(pages, 1);
    coop_host_ram_free(run, 2 * mib);
    coop_host_ram_free(run + 2 * mib, 2 * mib);
    CHECK(coop_host_ram_va(run + 4 * mib) == nullptr);
    CHECK(host.take_violations().size() == 5);
    coop_host_pages_free(pages, 2);
    coop_host_ram_free(run, 4 * mib);
}

TEST_CASE("sleeping where one must not is seen", "[fake_host]") {
    FakeHost host;
    coop_host_critical_begin();
    coop_host_free(coop_host_alloc(1));
    coop_host_critical_begin();
    coop_host_critical_end();
    coop_host_critical_end();
    CHECK(host.take_violations() ==
          Violations{"alloc inside a critical section", "free inside a critical section",
                     "critical_begin inside a critical section", "critical_end outside a critical section"});

    coop_host_mutex* mutex = coop_host_mutex_create();
    coop_host_mutex_lock(mutex);
    coop_host_yield();
    coop_host_mutex_unlock(mutex);
    coop_host_mutex_destroy(mutex);
    CHECK(host.take_violations() == Violations{"yield with a mutex held"});

    coop_host_timer* timer = coop_host_timer_create([](void*) { coop_host_free(nullptr); }, nullptr);
    coop_host_timer_arm(timer, 1);
    CHECK(host.fire_timer());
    CHECK_FALSE(host.fire_timer());
    coop_host_timer_destroy(timer);
    CHECK(host.take_violations() == Violations{"free in interrupt context"});
}

TEST_CASE("switching worlds in the wrong place is seen", "[fake_host]") {
    FakeHost host;
    FakeWorld world;
    world.load(true);
    world.inject({0, 0});
    world.enter();
    world.reraise(32);
    CHECK(host.take_violations().size() == 5);
}

TEST_CASE("the n-th call is refused, and that one only", "[fake_host]") {
    FakeHost host;
    host.fail_call(2);
    void* first = coop_host_alloc(1);
    CHECK(coop_host_mutex_create() == nullptr);
    CHECK(host.refused_call() == "mutex_create");
    void* second = coop_host_alloc(1);
    CHECK(first);
    CHECK(second);
    coop_host_free(first);
    coop_host_free(second);
}
