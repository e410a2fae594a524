// SPDX-License-Identifier: GPL-2.0-only
#include "bus/notifier_table.hpp"

#include "core/fake_host.hpp"

#include <catch2/catch.hpp>

using namespace coop;
using namespace coop::test;

namespace {

struct Fixture {
    FakeHost host;
    NotifierTable table;
};

} // namespace

TEST_CASE_METHOD(Fixture, "each device and queue has its own notifier", "[notifier_table]") {
    std::vector<coop_host_notifier*> notifiers;
    const auto for_each = [](auto&& visit) {
        for (std::uint32_t device = 0; device < COOP_MAX_DEVICES; ++device) {
            for (std::uint32_t queue = 0; queue < COOP_MAX_QUEUES; ++queue)
                visit(device, queue);
            visit(device, COOP_QUEUE_CONFIG);
        }
    };
    for_each([&](std::uint32_t device, std::uint32_t queue) {
        CHECK_FALSE(table.signal(device, queue));
        notifiers.push_back(host.make_notifier());
        CHECK(table.set(device, queue, notifiers.back()));
    });
    std::size_t at = 0;
    for_each([&](std::uint32_t device, std::uint32_t queue) {
        CHECK(table.signal(device, queue));
        CHECK(notifiers[at++]->signals == 1);
    });
}

TEST_CASE_METHOD(Fixture, "setting again releases the one before", "[notifier_table]") {
    coop_host_notifier* first = host.make_notifier();
    coop_host_notifier* second = host.make_notifier();
    CHECK(table.set(5, 1, first));
    CHECK(table.set(5, 1, second));
    CHECK(host.released(first));
    CHECK(table.signal(5, 1));
    CHECK(second->signals == 1);
    CHECK(table.set(5, 1, nullptr));
    CHECK(host.released(second));
    CHECK_FALSE(table.signal(5, 1));
}

TEST_CASE_METHOD(Fixture, "numbers out of range are refused and keep nothing", "[notifier_table]") {
    coop_host_notifier* notifier = host.make_notifier();
    CHECK(table.set(COOP_MAX_DEVICES, 0, notifier).status() == -COOP_E_INVALID);
    CHECK(table.set(0, COOP_MAX_QUEUES, notifier).status() == -COOP_E_INVALID);
    CHECK(table.set(0, COOP_QUEUE_CONFIG - 1, notifier).status() == -COOP_E_INVALID);
    CHECK(table.set(0, COOP_QUEUE_CONFIG + 1, notifier).status() == -COOP_E_INVALID);
    CHECK(table.set(UINT32_MAX, UINT32_MAX, notifier).status() == -COOP_E_INVALID);
    CHECK_FALSE(host.released(notifier));
    CHECK(table.set(0, 0, notifier));
    // What a guest may hand in: 64 bits, of which the lower ones would name the slot above.
    for (const std::uint64_t high : {std::uint64_t{1} << 32, std::uint64_t{1} << 63, UINT64_MAX << 16}) {
        CHECK_FALSE(table.signal(high, 0));
        CHECK_FALSE(table.signal(0, high));
        CHECK_FALSE(table.signal(high, high));
    }
    CHECK(notifier->signals == 0);
}
