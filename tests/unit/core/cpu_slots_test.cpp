// SPDX-License-Identifier: GPL-2.0-only
#include "monitor/cpu_slots.hpp"

#include "core/fake_host.hpp"

#include <catch2/catch.hpp>

using namespace coop;
using namespace coop::test;

namespace {

struct Fixture {
    Fixture() { REQUIRE(slots.create(4)); }
    ~Fixture() { slots.destroy(); }
    Fixture(const Fixture&) = delete;
    Fixture& operator=(const Fixture&) = delete;

    FakeHost host;
    CpuSlots slots;
};

} // namespace

TEST_CASE_METHOD(Fixture, "the watchdog evicts who stays too long, on that CPU alone", "[cpu_slots]") {
    slots.entered(1, 1000);
    slots.entered(2, 1500);
    slots.check(1999, 1000);
    CHECK(host.count("kick_nmi") == 0);
    slots.check(2000, 1000);
    CHECK(host.arguments("kick_nmi") == std::vector<std::uint64_t>{1});
    CHECK_FALSE(slots.left(2));
    CHECK(slots.left(1));
}

TEST_CASE_METHOD(Fixture, "eviction is told once", "[cpu_slots]") {
    slots.entered(0, 1);
    slots.check(100, 10);
    CHECK(slots.left(0));
    slots.entered(0, 101);
    CHECK_FALSE(slots.left(0));
    slots.check(1'000'000, 10);
    CHECK(host.count("kick_nmi") == 1); // nobody is there
}

TEST_CASE_METHOD(Fixture, "a stay that began after the watchdog read its clock is not long", "[cpu_slots]") {
    slots.entered(3, 1000);
    slots.check(999, 10);
    slots.check(0, 0);
    CHECK_FALSE(slots.left(3));
    CHECK(host.count("kick_nmi") == 0);
}

TEST_CASE_METHOD(Fixture, "an eviction that came too late does not hit the next guest there", "[cpu_slots]") {
    // The first guest leaves just as the watchdog has decided; the kick comes when the second is there.
    slots.entered(0, 1000);
    host.on_kick_nmi = [&] {
        CHECK(slots.left(0));
        slots.entered(0, 5000);
    };
    slots.check(4000, 1000);
    CHECK(host.count("kick_nmi") == 1);
    CHECK_FALSE(slots.left(0));
}

TEST_CASE("no memory for the slots is an error, and checking none is harmless", "[cpu_slots]") {
    FakeHost host;
    CpuSlots slots;
    slots.check(1, 0);
    host.fail_call(1);
    CHECK(slots.create(4).status() == -COOP_E_NO_MEMORY);
    slots.check(1, 0);
    slots.destroy();
}
