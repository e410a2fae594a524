// SPDX-License-Identifier: GPL-2.0-only
#include "core/guest_fixture.hpp"

#include <catch2/catch.hpp>

#include <cstring>

using namespace coop;
using namespace coop::test;

namespace {

struct Fixture {
    FakeHost host;
    FakeWorld world;
    LoadedCore core;
    CreatedGuest guest;
    coop_start request = guest.start_request();

    int start() { return coop_guest_start(guest.handle, &request); }
    // Refused, and not started by it: the right request still works.
    void check_refused() {
        CHECK(start() == -COOP_E_INVALID);
        CHECK(guest.run() == -COOP_E_INVALID);
        CHECK(coop_guest_interrupt(guest.handle, 0) == -COOP_E_INVALID);
        CHECK(coop_guest_event(guest.handle, COOP_EVENT_POWER_BUTTON) == -COOP_E_INVALID);
        CHECK(world.entries == 0);
    }
    coop_extent extent_of(std::uint64_t gpa) {
        coop_extent extent{};
        for (std::uint32_t i = 0; coop_guest_extent(guest.handle, i, &extent) == 0; ++i)
            if (gpa >= extent.gpa && gpa - extent.gpa < extent.size)
                break;
        return extent;
    }
};

} // namespace

TEST_CASE_METHOD(Fixture, "a right request starts the guest at its entry", "[start]") {
    CHECK(start() == 0);
    CHECK(world.entry == Physical{request.entry_gpa});
    CHECK(world.boot_params == Physical{request.boot_params_gpa});
    CHECK(guest.run_to_end().end == COOP_END_POWEROFF);
}

TEST_CASE_METHOD(Fixture, "a guest starts once", "[start]") {
    CHECK(start() == 0);
    CHECK(start() == -COOP_E_BUSY);
    guest.run_to_end();
    CHECK(start() == -COOP_E_BUSY);
}

TEST_CASE_METHOD(Fixture, "each wrong field of the shared area is refused", "[start]") {
    coop_shared& shared = guest.shared();
    SECTION("magic") {
        shared.magic ^= GENERATE(1ull, 1ull << 63);
    }
    SECTION("ABI major") {
        shared.abi_major = GENERATE(0u, COOP_ABI_MAJOR + 1u, UINT32_MAX);
    }
    SECTION("size too small for the vCPU's page") {
        shared.size = GENERATE(0u, 64u, 0x1fffu);
    }
    SECTION("size beyond the extent") {
        shared.size = GENERATE(static_cast<unsigned>(2 * mib) + 1, UINT32_MAX);
    }
    SECTION("number of vCPUs") {
        shared.vcpus = GENERATE(0u, 2u, UINT32_MAX);
    }
    SECTION("vCPU pages beyond the size") {
        shared.vcpu_offset = GENERATE(0x4008u, 0x5000u, 0xfffffff8u);
    }
    SECTION("vCPU pages not aligned") {
        shared.vcpu_offset = 0x1000 + GENERATE(1u, 2u, 4u);
    }
    SECTION("number of devices") {
        shared.devices = GENERATE(COOP_MAX_DEVICES + 1u, UINT32_MAX);
    }
    check_refused();
}

TEST_CASE_METHOD(Fixture, "a newer minor ABI of the shared area is understood", "[start]") {
    guest.shared().abi_minor = 99;
    CHECK(start() == 0);
}

TEST_CASE_METHOD(Fixture, "the last byte of an extent may be used", "[start]") {
    const coop_extent extent = extent_of(request.shared_gpa);
    guest.shared().size = extent.gpa + extent.size - request.shared_gpa;
    request.boot_params_gpa = extent.gpa + extent.size - page_bytes;
    request.entry_gpa = extent.gpa + extent.size - 1;
    CHECK(start() == 0);
}

TEST_CASE_METHOD(Fixture, "addresses that are not the guest's are refused", "[start]") {
    const coop_extent extent = extent_of(request.shared_gpa);
    const std::uint64_t beyond = extent_of(0).gpa + extent_of(0).size; // of the last extent
    SECTION("entry") {
        request.entry_gpa = GENERATE_COPY(std::uint64_t{0}, beyond, UINT64_MAX);
    }
    SECTION("boot parameters") {
        request.boot_params_gpa =
            GENERATE_COPY(std::uint64_t{0}, beyond, extent.gpa + extent.size - page_bytes + 1, UINT64_MAX);
    }
    SECTION("shared area") {
        request.shared_gpa = GENERATE_COPY(std::uint64_t{0}, beyond, extent.gpa + extent.size - 8, UINT64_MAX,
                                           UINT64_MAX - 63);
    }
    SECTION("shared area where there is none") {
        request.shared_gpa += 0x1000;
    }
    SECTION("shared area not aligned") {
        request.shared_gpa += 4;
        std::memmove(reinterpret_cast<char*>(&guest.shared()) + 4, &guest.shared(), sizeof(coop_shared));
    }
    check_refused();
}

TEST_CASE_METHOD(Fixture, "after a refusal the right request works", "[start]") {
    guest.shared().magic ^= 1;
    check_refused();
    guest.shared().magic ^= 1;
    CHECK(start() == 0);
    CHECK(guest.run_to_end().end == COOP_END_POWEROFF);
}

TEST_CASE_METHOD(Fixture, "notifiers are set before the start only", "[start]") {
    coop_host_notifier* first = host.make_notifier();
    coop_host_notifier* late = host.make_notifier();
    CHECK(coop_guest_set_notifier(guest.handle, 1, 0, first) == 0);
    CHECK(coop_guest_set_notifier(guest.handle, COOP_MAX_DEVICES, 0, late) == -COOP_E_INVALID);
    CHECK(coop_guest_set_notifier(guest.handle, 0, COOP_MAX_QUEUES, late) == -COOP_E_INVALID);
    CHECK(start() == 0);
    CHECK(coop_guest_set_notifier(guest.handle, 1, 0, late) == -COOP_E_BUSY);
    CHECK(coop_guest_set_notifier(guest.handle, COOP_NOTIFY_LOG, 0, late) == -COOP_E_BUSY);
    CHECK_FALSE(host.released(first));
    CHECK_FALSE(host.released(late)); // still the caller's
    coop_host_notifier_release(late);
}

TEST_CASE_METHOD(Fixture, "a guest ended before its start never runs", "[start]") {
    coop_guest_end(guest.handle, COOP_END_KILLED);
    CHECK(start() == 0);
    CHECK(guest.run_to_end().end == COOP_END_KILLED);
    CHECK(world.entries == 0);
}
