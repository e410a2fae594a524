// SPDX-License-Identifier: GPL-2.0-only
// coop/core.h: loading, and what needs no running guest.
#include "core/guest_fixture.hpp"

#include <catch2/catch.hpp>

using namespace coop;
using namespace coop::test;

TEST_CASE("load refuses a configuration without CPUs or clock", "[core]") {
    FakeHost host;
    FakeWorld world;
    coop_core_config config = core_config();
    config.cpus = 0;
    CHECK(coop_core_load(&config) == -COOP_E_INVALID);
    config = core_config();
    config.tsc_khz = 0;
    CHECK(coop_core_load(&config) == -COOP_E_INVALID);
}

TEST_CASE("the core can be loaded again", "[core]") {
    FakeHost host;
    FakeWorld world;
    for (int i = 0; i < 3; ++i) {
        const LoadedCore core;
        const CreatedGuest guest;
    }
    CHECK(host.holdings() == Holdings{});
}

TEST_CASE("host information joins what the core finds and what the host says", "[core]") {
    FakeHost host;
    FakeWorld world;
    world.features = {.features = COOP_HOST_PCID | COOP_HOST_SMAP, .xcr0 = 0x2e7, .refusal = 0};
    coop_core_config config = core_config();
    config.features = COOP_HOST_MELTDOWN;
    const LoadedCore core{config};
    const CreatedGuest guest;
    coop_host_info info{};
    info.reserved = 0xdead;
    CHECK(coop_core_host_info(&info) == 0);
    CHECK(info.features == (COOP_HOST_PCID | COOP_HOST_SMAP | COOP_HOST_MELTDOWN));
    CHECK(info.xcr0 == 0x2e7);
    CHECK(info.tsc_khz == config.tsc_khz);
    CHECK(info.cpus == FakeHost::cpus);
    CHECK(info.guests == 1);
    CHECK(info.refusal == 0);
    CHECK(info.reserved == 0);
    CHECK(info.ram_available == host.ram.available());
}

TEST_CASE_METHOD(GuestFixture, "extents and frames tell the same memory", "[core]") {
    std::uint64_t offset = 0;
    coop_extent extent{};
    std::uint32_t count = 0;
    for (; coop_guest_extent(guest.handle, count, &extent) == 0; ++count) {
        CHECK(extent.map_offset == offset);
        CHECK(extent.reserved == 0);
        for (std::uint64_t at = 0; at < extent.size; at += page_bytes) {
            std::uint64_t physical = 0;
            if (coop_guest_frame(guest.handle, offset + at, &physical) != 0 || physical != extent.gpa + at)
                FAIL("frame at map offset " << offset + at);
        }
        offset += extent.size;
    }
    CHECK(count == 4);
    CHECK(offset == 16 * mib);
    CHECK(coop_guest_extent(guest.handle, count, &extent) == -COOP_E_INVALID);
    CHECK(coop_guest_extent(guest.handle, UINT32_MAX, &extent) == -COOP_E_INVALID);
    std::uint64_t physical = 1;
    CHECK(coop_guest_frame(guest.handle, offset, &physical) == -COOP_E_INVALID);
    CHECK(coop_guest_frame(guest.handle, UINT64_MAX, &physical) == -COOP_E_INVALID);
    CHECK(physical == 1);
}

TEST_CASE("two guests share nothing but the host", "[core]") {
    FakeHost host;
    FakeWorld world;
    const LoadedCore core;
    const CreatedGuest first{create_request("first", 32 * mib)};
    const CreatedGuest second{create_request("second", 16 * mib)};
    for (const CreatedGuest* guest : {&first, &second}) {
        const coop_start request = guest->start_request();
        REQUIRE(coop_guest_start(guest->handle, &request) == 0);
    }
    CHECK(coop_guest_interrupt(first.handle, 1) == 0);
    CHECK(first.page().devices == 2);
    CHECK(second.page().devices == 0);
    coop_guest_end(first.handle, COOP_END_KILLED);
    coop_run run{};
    CHECK(coop_guest_run(first.handle, &run) == 0);
    CHECK(run.end == COOP_END_KILLED);
    CHECK(coop_guest_run(second.handle, &run) == 0);
    CHECK(run.end == COOP_END_POWEROFF);
    CHECK(first.stats().switches == 0);
    CHECK(second.stats().switches == 1);
    CHECK(first.stats().ram_bytes == 32 * mib);
    // The first cannot start in the second's memory.
    coop_start request = second.start_request();
    const CreatedGuest third{create_request("third", 16 * mib)};
    CHECK(coop_guest_start(third.handle, &request) == -COOP_E_INVALID);
}
