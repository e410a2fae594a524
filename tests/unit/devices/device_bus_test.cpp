// SPDX-License-Identifier: GPL-2.0-only
// DeviceBus: device pages, the status handshake of virtio 1.2 (sections 2.1, 3.1), routing, and drivers that
// break the rules.
#include "test_guest.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <stdexcept>

using namespace coop;
using namespace coop::test;

namespace {

constexpr std::uint64_t own_feature = 1ull << 5;

// Records what the bus asks of it.
class Recorder : public Device {
public:
    std::vector<std::string> calls;
    std::vector<std::uint16_t> sizes{8, 4};
    std::vector<std::byte> space = std::vector<std::byte>(6, std::byte{0x5a});
    std::uint64_t negotiated = 0;
    std::vector<Virtqueue> queues;
    InterruptLine line;

    std::uint32_t id() const override { return 42; }
    std::uint64_t features() const override { return virtio_common_features | own_feature; }
    std::vector<std::uint16_t> queue_sizes() const override { return sizes; }
    std::vector<std::byte> config() const override { return space; }
    void activate(std::uint64_t features, std::vector<Virtqueue> given, InterruptLine interrupts) override {
        calls.emplace_back("activate");
        negotiated = features;
        queues = std::move(given);
        line = std::move(interrupts);
    }
    void notify(unsigned queue) override { calls.push_back("notify " + std::to_string(queue)); }
    void reset() override { calls.emplace_back("reset"); }
};

using Calls = std::vector<std::string>;

struct Rig {
    std::shared_ptr<Recorder> device = std::make_shared<Recorder>();
    TestGuest guest{device};
};

} // namespace

TEST_CASE("attach fills the device page", "[device_bus]") {
    Rig rig;
    auto const& page = rig.guest.page();
    CHECK(page.device_id == 42);
    CHECK(page.queues == 2);
    CHECK(page.device_features == rig.device->features());
    CHECK(page.queue[0].size_max == 8);
    CHECK(page.queue[1].size_max == 4);
    CHECK(page.queue[2].size_max == 0);
    CHECK(page.config_size == 6);
    CHECK(page.config[5] == 0x5a);
    CHECK(page.status_seen == 0);
    CHECK(page.command_seen == 0);
}

TEST_CASE("the bus refuses what its page cannot hold", "[device_bus]") {
    TestRam ram;
    DeviceBus bus{ram.ram(), [](unsigned) {}, [](unsigned) {}};
    auto device = std::make_shared<Recorder>();
    device->sizes.assign(COOP_MAX_QUEUES + 1, 8);
    CHECK_THROWS_AS(bus.add(device), std::invalid_argument);
    device->sizes = {6};
    CHECK_THROWS_AS(bus.add(device), std::invalid_argument);
    device->sizes = {8};
    device->space.resize(1025);
    CHECK_THROWS_AS(bus.add(device), std::invalid_argument);
    device->space.resize(1024);
    for (unsigned i = 0; i < COOP_MAX_DEVICES; ++i) {
        CHECK(bus.add(device) == i);
    }
    CHECK_THROWS_AS(bus.add(device), std::length_error);
    CHECK(bus.count() == COOP_MAX_DEVICES);

    auto* shared = new (ram.at(TestRam::default_gpa)) coop_shared{};
    CHECK_THROWS_AS(bus.attach(shared), std::invalid_argument); // no magic
    shared->magic = COOP_SHARED_MAGIC;
    shared->devices = COOP_MAX_DEVICES;
    shared->device_offset = 4096;
    shared->size = 4096 * COOP_MAX_DEVICES; // one page short
    CHECK_THROWS_AS(bus.attach(shared), std::invalid_argument);
    shared->size += 4096;
    shared->devices -= 1;
    CHECK_THROWS_AS(bus.attach(shared), std::invalid_argument);
    shared->devices += 1;
    CHECK_NOTHROW(bus.attach(shared));
    CHECK_THROWS_AS(bus.add(device), std::length_error);
}

TEST_CASE("a driver comes up step by step (3.1.1)", "[device_bus]") {
    Rig rig;
    CHECK(rig.guest.set_status(0) == 0);
    CHECK(rig.guest.set_status(1) == 1);
    CHECK(rig.guest.set_status(3) == 3);
    rig.guest.page().driver_features = virtio_f_version_1 | own_feature;
    CHECK(rig.guest.set_status(11) == 11);
    rig.guest.enable_queues();
    rig.guest.bus().doorbell(0, 0); // too early
    CHECK(rig.guest.set_status(15) == 15);
    CHECK(rig.device->calls == Calls{"activate"});
    CHECK(rig.device->negotiated == (virtio_f_version_1 | own_feature));
    REQUIRE(rig.device->queues.size() == 2);
    CHECK(rig.device->queues[0].size() == 8);
    CHECK(rig.device->queues[1].enabled());
    rig.guest.bus().doorbell(0, 1);
    rig.guest.bus().doorbell(0, 0);
    CHECK(rig.device->calls == Calls{"activate", "notify 1", "notify 0"});
    rig.guest.bus().doorbell(0, COOP_QUEUE_CONFIG); // no new command
    CHECK(rig.device->calls.size() == 3);
    CHECK(rig.guest.set_status(15) == 15); // said again: no second activation
    CHECK(rig.device->calls.size() == 3);
    CHECK(rig.guest.faults().empty());
}

TEST_CASE("features are refused by leaving FEATURES_OK out (2.2.2, 6.2)", "[device_bus]") {
    Rig rig;
    CHECK(rig.guest.negotiate(own_feature) == 3); // no VIRTIO_F_VERSION_1
    CHECK(rig.guest.negotiate(virtio_f_version_1 | 1ull << 63) == 3);
    CHECK(rig.guest.negotiate(virtio_f_version_1) == 11);
    CHECK(rig.guest.faults().empty());

    SECTION("what the device offered is not read back from the guest") {
        rig.guest.page().device_features = ~0ull;
        CHECK(rig.guest.negotiate(virtio_f_version_1 | 1ull << 63) == 3);
    }
    SECTION("features written later change nothing") {
        rig.guest.page().driver_features = ~0ull;
        rig.guest.enable_queues();
        CHECK(rig.guest.set_status(15) == 15);
        CHECK(rig.device->negotiated == virtio_f_version_1);
    }
    SECTION("no DRIVER_OK without FEATURES_OK") {
        rig.guest.negotiate(0);
        rig.guest.enable_queues();
        CHECK((rig.guest.set_status(7) & 64) != 0);
        CHECK(rig.device->calls.empty());
        CHECK(rig.guest.faults().size() == 1);
    }
    SECTION("nor after a refusal, if the driver goes on") {
        rig.guest.negotiate(0);
        rig.guest.enable_queues();
        CHECK(rig.guest.set_status(15) == (1 | 2 | 64));
        CHECK(rig.device->calls.empty());
    }
}

TEST_CASE("reset (2.1, 2.4)", "[device_bus]") {
    Rig rig;
    rig.guest.start();
    rig.device->line.queue(1);
    CHECK(rig.guest.page().interrupts == 2);
    CHECK(rig.guest.set_status(0) == 0);
    CHECK(rig.device->calls == Calls{"activate", "reset"});
    CHECK(rig.guest.page().interrupts == 0);
    CHECK(rig.guest.page().queue[0].enabled == 0);
    CHECK(rig.guest.page().queue[0].size_max == 8);
    rig.guest.bus().doorbell(0, 0);
    CHECK(rig.device->calls.size() == 2);

    auto const before = rig.guest.raised().load();
    rig.device->line.queue(0); // a late one
    rig.device->line.fault("late");
    CHECK(rig.guest.page().interrupts == 0);
    CHECK(rig.guest.raised() == before);
    CHECK(rig.guest.faults().empty());

    CHECK(rig.guest.start() == 15);
    CHECK(rig.device->calls == Calls{"activate", "reset", "activate"});
    rig.guest.bus().reset_all();
    CHECK(rig.device->calls.back() == "reset");
}

TEST_CASE("FAILED stops the device (2.1)", "[device_bus]") {
    Rig rig;
    rig.guest.start();
    CHECK(rig.guest.set_status(15 | 128) == (15 | 128));
    CHECK(rig.device->calls == Calls{"activate", "reset"});
    CHECK(rig.guest.start() == 15);
}

TEST_CASE("queues are checked before activation", "[device_bus]") {
    Rig rig;
    rig.guest.negotiate(virtio_f_version_1);
    rig.guest.enable_queues();
    auto& queue = rig.guest.page().queue[1];
    SECTION("one left out is not enabled") {
        queue.enabled = 0;
        CHECK(rig.guest.set_status(15) == 15);
        REQUIRE(rig.device->queues.size() == 2);
        CHECK(rig.device->queues[0].enabled());
        CHECK_FALSE(rig.device->queues[1].enabled());
    }
    SECTION("a smaller one is fine") {
        queue.size = 2;
        CHECK(rig.guest.set_status(15) == 15);
        CHECK(rig.device->queues[1].size() == 2);
    }
    SECTION("larger than allowed, though size_max was raised by the guest") {
        queue.size = 8;
        queue.size_max = 8;
        CHECK(rig.guest.set_status(15) == (11 | 64));
    }
    SECTION("no power of two") {
        queue.size = 3;
        CHECK(rig.guest.set_status(15) == (11 | 64));
    }
    SECTION("outside RAM") {
        queue.device_gpa = 0x1000;
        CHECK(rig.guest.set_status(15) == (11 | 64));
        REQUIRE(rig.guest.faults().size() == 1);
        CHECK_THAT(rig.guest.faults()[0], Catch::Matchers::StartsWith("queue 1:"));
    }
    if ((rig.guest.page().status_seen & 64) != 0) {
        CHECK(rig.device->calls.empty());
        CHECK(rig.guest.faults().size() == 1);
        CHECK(rig.guest.start() == 15); // a reset cures it
    }
}

TEST_CASE("a broken device says so and rests until reset (2.1.2)", "[device_bus]") {
    Rig rig;
    rig.guest.start();
    rig.device->line.fault("because");
    rig.device->line.fault("and again");
    CHECK(rig.guest.faults() == Calls{"because"});
    CHECK(rig.guest.page().status_seen == (15 | 64));
    CHECK(rig.guest.take_interrupts() == 1ull << COOP_DEVICE_CONFIG_INTERRUPT);
    CHECK(rig.guest.raised() == 1);
    rig.guest.bus().doorbell(0, 0);
    CHECK(rig.device->calls == Calls{"activate"});
    CHECK(rig.guest.set_status(15 | 64) == (15 | 64)); // a driver may write back what it read
    CHECK(rig.guest.set_status(0) == 0);
    CHECK(rig.guest.start() == 15);
    rig.guest.bus().doorbell(0, 0);
    CHECK(rig.device->calls == Calls{"activate", "reset", "activate", "notify 0"});
}

TEST_CASE("a driver must not clear status bits (2.1.1)", "[device_bus]") {
    Rig rig;
    rig.guest.start();
    CHECK((rig.guest.set_status(1) & 64) != 0);
    CHECK(rig.guest.faults().size() == 1);
}

TEST_CASE("interrupts are raised once until taken", "[device_bus]") {
    Rig rig;
    rig.guest.start();
    rig.device->line.queue(0);
    rig.device->line.queue(1);
    rig.device->line.queue(0);
    CHECK(rig.guest.raised() == 1);
    CHECK(rig.guest.take_interrupts() == 3);
    rig.device->line.queue(1);
    CHECK(rig.guest.raised() == 2);
    CHECK(rig.guest.take_interrupts() == 2);
}

TEST_CASE("config changes are published with a new generation (2.5)", "[device_bus]") {
    Rig rig;
    rig.guest.start();
    auto const before = rig.guest.page().config_generation;
    std::vector<std::byte> const same = rig.device->space;
    rig.device->line.config(same);
    CHECK(rig.guest.page().config_generation == before);
    CHECK(rig.guest.page().interrupts == 0);
    rig.device->space[2] = std::byte{7};
    rig.device->line.config(rig.device->space);
    CHECK(rig.guest.page().config_generation == before + 2);
    CHECK(rig.guest.page().config_generation % 2 == 0);
    CHECK(rig.guest.page().config[2] == 7);
    CHECK(rig.guest.take_interrupts() == 1ull << COOP_DEVICE_CONFIG_INTERRUPT);
}

TEST_CASE("any doorbell is safe", "[device_bus]") {
    Rig rig;
    for (unsigned const device : {0u, 1u, 63u, 64u, ~0u}) {
        for (unsigned const queue : {0u, 1u, 2u, 15u, 16u, 0xfffeu, 0x10000u, ~0u}) {
            rig.guest.bus().doorbell(device, queue);
        }
    }
    CHECK(rig.device->calls.empty());
    rig.guest.start();
    rig.guest.bus().doorbell(0, 2);
    rig.guest.bus().doorbell(1, 0);
    CHECK(rig.device->calls == Calls{"activate"});
}

TEST_CASE("random handshakes keep the rules", "[device_bus]") {
    std::mt19937_64 random{5};
    Rig rig;
    unsigned activations = 0;
    for (int i = 0; i < 20000; ++i) {
        auto* const bytes = reinterpret_cast<std::uint8_t*>(&rig.guest.page());
        for (int k = 0; k < 3; ++k) { // anywhere in the page, the handshake's fields included
            bytes[random() % 600] = static_cast<std::uint8_t>(random());
        }
        rig.device->calls.clear();
        if (random() % 4 == 0) {
            rig.guest.negotiate(virtio_f_version_1 | (random() % 8 == 0 ? random() : 0));
            rig.guest.enable_queues();
        }
        static constexpr std::uint32_t statuses[] = {0, 1, 3, 11, 15, 15 | 128, 64, 15 | 64};
        auto const seen = rig.guest.set_status(random() % 2 == 0 ? statuses[random() % 8]
                                                                 : static_cast<std::uint32_t>(random()));
        bool const activated = std::count(rig.device->calls.begin(), rig.device->calls.end(), "activate") > 0;
        if (activated) {
            ++activations;
            REQUIRE((seen & (4 | 8)) == (4 | 8));
            REQUIRE((rig.device->negotiated & ~rig.device->features()) == 0);
            REQUIRE((rig.device->negotiated & virtio_f_version_1) != 0);
        }
    }
    CHECK(activations > 100);
}
