// SPDX-License-Identifier: GPL-2.0-only
#include "core/guest_fixture.hpp"

#include <catch2/catch.hpp>

#include <cctype>

using namespace coop;
using namespace coop::test;

namespace {

struct Fixture {
    FakeHost host;
    FakeWorld world;
    LoadedCore core;

    int create(const coop_create& request) {
        const Holdings before = host.holdings();
        coop_guest* guest = nullptr;
        const int status = coop_guest_create(&request, &guest);
        if (status == 0)
            coop_guest_destroy(guest);
        CHECK((status == 0) == (guest != nullptr));
        CHECK(host.holdings() == before);
        return status;
    }
    std::uint32_t guests() {
        coop_host_info info{};
        CHECK(coop_core_host_info(&info) == 0);
        return info.guests;
    }
};

} // namespace

TEST_CASE_METHOD(Fixture, "a guest holds what it says, and gives all of it back", "[create]") {
    {
        const CreatedGuest guest;
        const coop_stats stats = guest.stats();
        CHECK(stats.ram_bytes == 16 * mib);
        CHECK(stats.frames_owned == 16 * mib / page_bytes + 7); // and the scripted World's pages
        CHECK(stats.switches == 0);
        CHECK(host.holdings().ram_runs == 4);
        CHECK(guests() == 1);
    }
    CHECK(host.holdings().ram_runs == 0);
    CHECK(guests() == 0);
}

TEST_CASE_METHOD(Fixture, "names", "[create]") {
    for (const char* name : {"a", "0", "A-z_0.9", ".", "-"})
        CHECK(create(create_request(name)) == 0);
    CHECK(create(create_request(std::string(COOP_NAME_BYTES - 1, 'x'))) == 0);
    CHECK(create(create_request(std::string(COOP_NAME_BYTES, 'x'))) == -COOP_E_INVALID);
    CHECK(create(create_request("")) == -COOP_E_INVALID);
    for (int c = 1; c < 256; ++c) {
        const bool allowed = (c < 128 && isalnum(c)) || c == '.' || c == '_' || c == '-';
        INFO("character " << c);
        CHECK(create(create_request({'a', static_cast<char>(c)})) == (allowed ? 0 : -COOP_E_INVALID));
    }
}

TEST_CASE_METHOD(Fixture, "a name is used once at a time", "[create]") {
    {
        const CreatedGuest first{create_request("twin")};
        const CreatedGuest other{create_request("twins")};
        CHECK(create(create_request("twin")) == -COOP_E_EXISTS);
        CHECK(create(create_request("twins")) == -COOP_E_EXISTS);
        CHECK(create(create_request("twi")) == 0);
        CHECK(guests() == 2);
    }
    CHECK(create(create_request("twin")) == 0);
}

TEST_CASE_METHOD(Fixture, "guests go in any order", "[create]") {
    std::vector<coop_guest*> handles;
    for (const char* name : {"a", "b", "c", "d"}) {
        const coop_create request = create_request(name);
        REQUIRE(coop_guest_create(&request, &handles.emplace_back()) == 0);
    }
    CHECK(guests() == 4);
    for (const int at : {1, 3, 0, 2})
        coop_guest_destroy(handles[at]);
    CHECK(guests() == 0);
}

TEST_CASE_METHOD(Fixture, "other fields out of range are refused", "[create]") {
    coop_create request = create_request();
    SECTION("no vCPU") {
        request.vcpus = 0;
        CHECK(create(request) == -COOP_E_INVALID);
    }
    SECTION("more vCPUs than the ABI has") {
        request.vcpus = GENERATE(COOP_MAX_VCPUS + 1u, UINT32_MAX);
        CHECK(create(request) == -COOP_E_INVALID);
    }
    SECTION("more vCPUs than there is support for") {
        request.vcpus = GENERATE(2u, unsigned{COOP_MAX_VCPUS});
        CHECK(create(request) == -COOP_E_NOT_SUPPORTED);
    }
    SECTION("reserved") {
        request.reserved = 1;
        CHECK(create(request) == -COOP_E_INVALID);
    }
    SECTION("memory") {
        request.ram_bytes = GENERATE(0ull, 1ull, 3 * mib, UINT64_MAX);
        CHECK(create(request) == -COOP_E_INVALID);
    }
    SECTION("runs") {
        request.runs[GENERATE(range(0, COOP_CREATE_RUNS))] = GENERATE(1ull, 18 * mib, UINT64_MAX);
        CHECK(create(request) == -COOP_E_INVALID);
    }
    SECTION("more memory than the host has") {
        request.ram_bytes = 1ull << 50;
        CHECK(create(request) == -COOP_E_NO_MEMORY);
    }
    SECTION("a run longer than any the host has") {
        host.ram.set_largest_run(2 * mib);
        CHECK(create(request) == -COOP_E_TOO_BIG);
    }
}

TEST_CASE("a host that forbids guests says so and takes nothing", "[create]") {
    FakeHost host;
    FakeWorld world;
    coop_core_config config = core_config();
    coop_u32 reason = 0;
    SECTION("by its registers") {
        world.features.refusal = reason = COOP_HOST_FRED;
    }
    SECTION("by what only its shim knows") {
        config.features |= reason = GENERATE(COOP_HOST_VBS, COOP_HOST_ENCRYPTED);
    }
    SECTION("by two things that only its shim knows") {
        config.features |= (reason = COOP_HOST_VBS) | COOP_HOST_ENCRYPTED;
    }
    SECTION("by both") {
        world.features.refusal = reason = COOP_HOST_NO_NX;
        config.features |= COOP_HOST_VBS;
    }
    const LoadedCore core{config};
    const coop_create request = create_request();
    coop_guest* guest = nullptr;
    CHECK(coop_guest_create(&request, &guest) == -COOP_E_NOT_SUPPORTED);
    coop_host_info info{};
    CHECK(coop_core_host_info(&info) == 0);
    CHECK(info.refusal == reason);
    CHECK(host.count("ram_alloc") == 0);
}
