// SPDX-License-Identifier: GPL-2.0-only
// The virtio console (virtio 1.2, section 5.3).
#include "devices/console.hpp"
#include "test_guest.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <thread>

using namespace coop;
using namespace coop::test;

namespace {

constexpr unsigned receive = 0;
constexpr unsigned transmit = 1;
constexpr std::uint64_t data = TestGuest::data_gpa;

struct Rig {
    std::string seen;
    unsigned more = 0; // how often the console asked to be called again
    std::function<void()> on_output = [] {};
    std::shared_ptr<Console> console = std::make_shared<Console>(
        [this](std::span<std::byte const> bytes) {
            seen.append(reinterpret_cast<char const*>(bytes.data()), bytes.size());
            on_output();
        },
        [this] { ++more; });
    TestGuest guest{console};

    std::size_t type(std::string const& text) { return console->input(std::as_bytes(std::span{text})); }
    void put(std::uint64_t gpa, std::string const& text) {
        std::memcpy(guest.ram().at(gpa), text.data(), text.size());
    }
    std::string get(std::uint64_t gpa, std::size_t bytes) {
        return {reinterpret_cast<char const*>(guest.ram().ram().translate(gpa, bytes)), bytes};
    }
    void say(std::vector<std::string> const& parts) {
        std::vector<Buffer> buffers;
        std::uint64_t at = data;
        for (auto const& part : parts) {
            put(at, part);
            buffers.push_back({at, static_cast<std::uint32_t>(part.size()), false});
            at += 0x100;
        }
        guest.queue(transmit).offer(buffers);
        guest.queue(transmit).publish();
        guest.bus().doorbell(0, transmit);
    }
    void offer_input(std::uint64_t gpa, std::uint32_t bytes) {
        guest.queue(receive).offer({{gpa, bytes, true}});
        guest.queue(receive).publish();
        guest.bus().doorbell(0, receive);
    }
};

} // namespace

TEST_CASE("the console's page (5.3.1 to 5.3.4)", "[console]") {
    Rig rig;
    auto const& page = rig.guest.page();
    CHECK(page.device_id == 3);
    CHECK(page.queues == 2);
    CHECK(page.device_features == (1ull << 0 | 1ull << 28 | 1ull << 29 | 1ull << 32));
    REQUIRE(page.config_size == 12);
    CHECK(page.config[0] == 80);
    CHECK(page.config[2] == 25);
    CHECK(page.config[4] == 1);
}

TEST_CASE("output arrives in order", "[console]") {
    Rig rig;
    REQUIRE(rig.guest.start() == 15);
    rig.say({"Linux ", "version"});
    rig.say({" 6.12\n"});
    CHECK(rig.seen == "Linux version 6.12\n");
    auto const used = rig.guest.queue(transmit).take_used();
    REQUIRE(used);
    CHECK(used->written == 0);
    CHECK(rig.guest.queue(transmit).take_used());
    CHECK((rig.guest.take_interrupts() & 1u << transmit) != 0);
}

TEST_CASE("output larger than a copy is not cut", "[console]") {
    Rig rig;
    REQUIRE(rig.guest.start() == 15);
    std::string text;
    for (int i = 0; text.size() < 100000; ++i) {
        text += std::to_string(i) + ' ';
    }
    rig.say({text});
    CHECK(rig.seen == text);
}

TEST_CASE("a guest that writes without end does not keep the event loop", "[console]") {
    constexpr unsigned total = 1000;
    Rig rig;
    REQUIRE(rig.guest.start() == 15);
    auto& queue = rig.guest.queue(transmit);
    rig.put(data, "x");
    unsigned offered = 0;
    auto const offer = [&] {
        queue.offer({{data, 1, false}});
        queue.publish();
        ++offered;
    };
    rig.on_output = [&] { // another vCPU, as fast as the device
        queue.take_used();
        if (offered < total) {
            offer();
        }
    };
    offer();
    rig.guest.bus().doorbell(0, transmit);
    CHECK(rig.seen.size() == 128);
    CHECK(rig.more == 1);
    unsigned calls = 1;
    while (rig.seen.size() < total && calls == rig.more) {
        rig.guest.bus().doorbell(0, transmit); // as it asked
        ++calls;
    }
    CHECK(rig.seen.size() == total);
    CHECK(calls == total / 128 + 1);
    CHECK(rig.more == calls - 1);                     // nothing waits any more …
    CHECK(queue.avail_event() == queue.next_avail()); // … and the guest rings again
}

TEST_CASE("what was offered before DRIVER_OK needs no doorbell", "[console]") {
    Rig rig;
    rig.type("early");
    rig.guest.negotiate(virtio_common_features);
    rig.guest.enable_queues();
    rig.guest.queue(receive).offer({{data + 0x1000, 64, true}});
    rig.guest.queue(receive).publish();
    rig.put(data, "hello");
    rig.guest.queue(transmit).offer({{data, 5, false}});
    rig.guest.queue(transmit).publish();
    CHECK(rig.guest.set_status(15) == 15);
    CHECK(rig.seen == "hello");
    CHECK(rig.get(data + 0x1000, 5) == "early");
}

TEST_CASE("input waits for buffers and fills them in turn", "[console]") {
    Rig rig;
    REQUIRE(rig.guest.start() == 15);
    CHECK(rig.type("abcdef") == 6);
    CHECK_FALSE(rig.guest.queue(receive).take_used());
    rig.offer_input(data, 4);
    auto used = rig.guest.queue(receive).take_used();
    REQUIRE(used);
    CHECK(used->written == 4);
    CHECK(rig.get(data, 4) == "abcd");
    CHECK((rig.guest.take_interrupts() & 1u << receive) != 0);
    rig.offer_input(data, 4);
    used = rig.guest.queue(receive).take_used();
    REQUIRE(used);
    CHECK(used->written == 2);
    CHECK(rig.get(data, 2) == "ef");
    rig.offer_input(data, 4);
    CHECK_FALSE(rig.guest.queue(receive).take_used());
    CHECK(rig.type("x") == 1);
    used = rig.guest.queue(receive).take_used();
    REQUIRE(used);
    CHECK(used->written == 1);
}

TEST_CASE("waiting input is bounded", "[console]") {
    Rig rig;
    CHECK(rig.type(std::string(Console::input_limit - 10, 'a')) == Console::input_limit - 10);
    CHECK(rig.type(std::string(100, 'b')) == 10);
    CHECK(rig.type("c") == 0);
    REQUIRE(rig.guest.start() == 15);
    rig.offer_input(data, 0x8000);
    CHECK(rig.type(std::string(0x10000, 'd')) == 0x8000);
}

TEST_CASE("a resize reaches the guest", "[console]") {
    Rig rig;
    SECTION("before the driver is there, without interrupt") {
        rig.console->resize(132, 43);
        REQUIRE(rig.guest.start() == 15);
        CHECK(rig.guest.page().interrupts == 0);
    }
    SECTION("between the driver's reading and DRIVER_OK") {
        rig.guest.negotiate(virtio_common_features);
        rig.guest.enable_queues();
        rig.console->resize(132, 43);
        rig.guest.set_status(15);
        CHECK(rig.guest.take_interrupts() == 1ull << COOP_DEVICE_CONFIG_INTERRUPT);
    }
    SECTION("later") {
        REQUIRE(rig.guest.start() == 15);
        rig.console->resize(132, 43);
        CHECK(rig.guest.take_interrupts() == 1ull << COOP_DEVICE_CONFIG_INTERRUPT);
    }
    CHECK(rig.guest.page().config[0] == 132);
    CHECK(rig.guest.page().config[2] == 43);
}

TEST_CASE("a broken queue breaks the console until reset", "[console]") {
    Rig rig;
    REQUIRE(rig.guest.start() == 15);
    unsigned const queue = GENERATE(receive, transmit);
    rig.type("kept");
    rig.guest.queue(queue).offer_head(999);
    rig.guest.queue(queue).publish();
    rig.guest.bus().doorbell(0, queue);
    CHECK(rig.guest.page().status_seen == (15 | 64));
    REQUIRE(rig.guest.faults().size() == 1);
    CHECK_THAT(rig.guest.faults()[0],
               Catch::Matchers::StartsWith(queue == receive ? "console input" : "console output"));
    CHECK(rig.type("!") == 1);
    REQUIRE(rig.guest.start() == 15);
    rig.offer_input(data, 16);
    CHECK(rig.get(data, 5) == "kept!");
    rig.say({"back"});
    CHECK(rig.seen == "back");
}

TEST_CASE("an input buffer that cannot be written breaks the console, and nothing is lost", "[console]") {
    Rig rig;
    REQUIRE(rig.guest.start() == 15);
    rig.type("a");
    rig.guest.queue(receive).offer({{data, 8, false}});
    rig.guest.queue(receive).publish();
    rig.guest.bus().doorbell(0, receive);
    CHECK(rig.guest.page().status_seen == (15 | 64));
    REQUIRE(rig.guest.faults().size() == 1);
    CHECK_THAT(rig.guest.faults()[0], Catch::Matchers::Contains("without room"));
    REQUIRE(rig.guest.start() == 15);
    rig.offer_input(data, 8);
    CHECK(rig.get(data, 1) == "a");
}

TEST_CASE("output may call input: an echo", "[console]") {
    std::shared_ptr<Console> console;
    console = std::make_shared<Console>(
        [&console](std::span<std::byte const> bytes) { console->input(bytes); }, [] {});
    TestGuest guest{console};
    REQUIRE(guest.start() == 15);
    guest.queue(receive).offer({{data + 0x1000, 16, true}});
    guest.queue(receive).publish();
    guest.ram().put(data, std::uint32_t{0x6f686365});
    guest.queue(transmit).offer({{data, 4, false}});
    guest.queue(transmit).publish();
    guest.bus().doorbell(0, transmit);
    CHECK(guest.ram().get<std::uint32_t>(data + 0x1000) == 0x6f686365);
}

TEST_CASE("input from another thread is whole and in order", "[console]") {
    Rig rig;
    REQUIRE(rig.guest.start() == 15);
    constexpr std::size_t total = 200000;
    std::thread typist{[&rig] {
        std::size_t sent = 0;
        while (sent < total) {
            std::vector<std::byte> piece;
            for (std::size_t i = 0; i < 777 && sent + i < total; ++i) {
                piece.push_back(static_cast<std::byte>((sent + i) % 251));
            }
            auto const taken = rig.console->input(piece);
            sent += taken;
            if (taken == 0) {
                std::this_thread::yield();
            }
        }
    }};
    std::size_t got = 0;
    bool right = true;
    std::map<std::uint32_t, std::uint64_t> places;
    auto& queue = rig.guest.queue(receive);
    for (std::uint64_t slot = 0; slot < 16; ++slot) {
        places[queue.offer({{data + slot * 0x100, 0x100, true}})] = data + slot * 0x100;
    }
    queue.publish();
    rig.guest.bus().doorbell(0, receive);
    while (got < total) {
        auto const used = queue.take_used();
        if (!used) {
            std::this_thread::yield();
            continue;
        }
        auto const place = places.at(used->head);
        places.erase(used->head);
        for (std::size_t i = 0; i < used->written; ++i) {
            right = right && rig.guest.ram().get<std::uint8_t>(place + i) == got % 251;
            ++got;
        }
        places[queue.offer({{place, 0x100, true}})] = place;
        queue.publish();
        rig.guest.bus().doorbell(0, receive);
    }
    typist.join();
    CHECK(right);
    CHECK(got == total);
}
