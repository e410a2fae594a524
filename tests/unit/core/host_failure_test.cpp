// SPDX-License-Identifier: GPL-2.0-only
// Everything that takes of the host's resources, with the n-th refusal of the host, for every n.
#include "core/guest_fixture.hpp"
#include "monitor/cpu_slots.hpp"

#include <catch2/catch.hpp>

#include <functional>

using namespace coop;
using namespace coop::test;

namespace {

// attempt returns 0 or an error; undo follows a success. An attempt may do without what was refused. Returns
// how many calls could be refused.
unsigned refuse_each_call(FakeHost& host, const std::function<int()>& attempt,
                          const std::function<void()>& undo,
                          const std::function<int(const std::string& call, unsigned n)>& expected) {
    const Holdings before = host.holdings();
    for (unsigned n = 1;; ++n) {
        host.fail_call(n);
        const int status = attempt();
        const std::string call = host.refused_call();
        host.fail_call(0);
        INFO("refused call " << n << ": " << call);
        CHECK(status == (call.empty() ? 0 : expected(call, n)));
        if (status == 0)
            undo();
        REQUIRE(host.holdings() == before);
        if (call.empty())
            return n - 1;
    }
}

int no_memory(const std::string&, unsigned) {
    return -COOP_E_NO_MEMORY;
}

} // namespace

TEST_CASE("load with each host call refused", "[host_failure]") {
    FakeHost host;
    FakeWorld world;
    const unsigned calls = refuse_each_call(
        host,
        [] {
            const coop_core_config config = core_config();
            return coop_core_load(&config);
        },
        coop_core_unload, no_memory);
    CHECK(calls >= 2);
}

TEST_CASE("create with each host call refused", "[host_failure]") {
    FakeHost host;
    FakeWorld world;
    const LoadedCore core;
    coop_create request = create_request("refused", 32 * mib);
    request.runs[1] = 8 * mib;
    coop_guest* guest = nullptr;
    unsigned ram_calls = 0;
    const unsigned calls = refuse_each_call(
        host,
        [&] {
            guest = nullptr;
            return coop_guest_create(&request, &guest);
        },
        [&] {
            coop_stats stats{};
            CHECK(coop_guest_stats(guest, &stats) == 0);
            CHECK(stats.ram_bytes == 32 * mib);
            coop_guest_destroy(guest);
        },
        [&](const std::string& call, unsigned) {
            if (call != "ram_alloc")
                return -COOP_E_NO_MEMORY;
            // A run must be had in one piece; a refused plain block is taken in smaller ones.
            return ++ram_calls <= 2 ? -COOP_E_TOO_BIG : 0;
        });
    CHECK(calls >= 15);
    CHECK(ram_calls == 2 + 5);
    coop_host_info info{};
    CHECK(coop_core_host_info(&info) == 0);
    CHECK(info.guests == 0);
}

TEST_CASE("create on a host in small pieces with each host call refused", "[host_failure]") {
    FakeHost host;
    FakeWorld world;
    const LoadedCore core;
    std::vector<PhysicalRange> pieces;
    for (std::uint64_t i = 0; i < 100; ++i)
        pieces.emplace_back(Physical{0x1'0000'0000 + i * 4 * mib}, 2 * mib);
    host.ram.set_free(pieces);
    coop_create request = create_request("pieces", 32 * mib);
    request.runs[0] = 2 * mib;
    coop_guest* guest = nullptr;
    unsigned ram_calls = 0;
    refuse_each_call(
        host, [&] { return coop_guest_create(&request, &guest); }, [&] { coop_guest_destroy(guest); },
        [&](const std::string& call, unsigned) {
            if (call != "ram_alloc" || ++ram_calls > 2)
                return -COOP_E_NO_MEMORY;                // of the smallest pieces none may be missing
            return ram_calls == 1 ? -COOP_E_TOO_BIG : 0; // the second is the try for 4 MiB
        });
    CHECK(ram_calls == 1 + 1 + 15);
}

TEST_CASE("the rest of a guest's life takes nothing that could be refused", "[host_failure]") {
    FakeHost host;
    FakeWorld world;
    const LoadedCore core;
    const CreatedGuest guest;
    coop_host_notifier* notifier = host.make_notifier();
    const Holdings before = host.holdings();
    host.fail_call(1);
    CHECK(coop_guest_set_notifier(guest.handle, 0, 0, notifier) == 0);
    const coop_start request = guest.start_request();
    CHECK(coop_guest_start(guest.handle, &request) == 0);
    CHECK(coop_guest_interrupt(guest.handle, 0) == 0);
    CHECK(coop_guest_event(guest.handle, COOP_EVENT_POWER_BUTTON) == 0);
    for (std::uint64_t reason = 0; reason < 20; ++reason)
        if (reason != COOP_DOORBELL_END)
            world.then_doorbell(reason, 1, 1, 1);
    coop_run run{};
    CHECK(coop_guest_run(guest.handle, &run) == 0);
    coop_stats stats{};
    CHECK(coop_guest_stats(guest.handle, &stats) == 0);
    std::uint64_t position = 0;
    char text[64];
    CHECK(coop_guest_log(guest.handle, &position, text, sizeof text) == 1);
    coop_host_info info{};
    CHECK(coop_core_host_info(&info) == 0);
    coop_core_watchdog();
    coop_guest_end(guest.handle, COOP_END_KILLED);
    CHECK(host.refused_call().empty());
    CHECK(host.holdings() == before);
}
