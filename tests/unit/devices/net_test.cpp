// SPDX-License-Identifier: GPL-2.0-only
// The virtio network card (virtio 1.2, section 5.1).
#include "devices/net.hpp"
#include "test_guest.hpp"

#include <catch2/catch.hpp>

using namespace coop;
using namespace coop::test;

namespace {

constexpr unsigned receive = 0;
constexpr unsigned transmit = 1;
constexpr std::uint64_t data = TestGuest::data_gpa;
constexpr std::uint32_t header = 12; // section 5.1.6
constexpr MacAddress mac = {0x52, 0x54, 0, 1, 2, 3};

using Frame = std::vector<std::byte>;

Frame frame_of(std::size_t bytes, unsigned seed = 1) {
    Frame frame(bytes);
    for (std::size_t i = 0; i < bytes; ++i) {
        frame[i] = static_cast<std::byte>((i * 7 + seed) % 251);
    }
    return frame;
}

// A wire that remembers what came over it.
struct Wire : NetBackend {
    std::vector<Frame> sent;
    std::function<void()> on_send = [] {};
    NetPort* card = nullptr;

    void plug(NetPort& port) override { card = &port; }
    void send(std::span<std::byte const> frame) override {
        sent.emplace_back(frame.begin(), frame.end());
        on_send();
    }
    std::uint16_t mtu() const override { return 1500; }
};

struct Rig {
    Wire* wire = new Wire; // the card's
    unsigned more = 0;     // how often it asked to be called again
    std::shared_ptr<Net> net =
        std::make_shared<Net>(std::unique_ptr<NetBackend>(wire), mac, [this] { ++more; });
    TestGuest guest{net};

    void put(std::uint64_t gpa, Frame const& bytes) {
        std::copy(bytes.begin(), bytes.end(), guest.ram().ram().translate(gpa, bytes.size()));
    }
    Frame get(std::uint64_t gpa, std::size_t bytes) {
        auto const* const p = guest.ram().ram().translate(gpa, bytes);
        return {p, p + bytes};
    }
    void ring(unsigned queue) {
        guest.queue(queue).publish();
        guest.bus().doorbell(0, queue);
    }
    // A header that nobody should look at, and the frame, cut into buffers of these sizes.
    void send(Frame const& frame, std::vector<std::uint32_t> const& sizes) {
        put(data, Frame(header, std::byte{0xff}));
        put(data + header, frame);
        std::vector<Buffer> buffers;
        auto at = data;
        for (auto const size : sizes) {
            buffers.push_back({at, size, false});
            at += size;
        }
        guest.queue(transmit).offer(buffers);
        ring(transmit);
    }
    void send(Frame const& frame) { send(frame, {static_cast<std::uint32_t>(header + frame.size())}); }
    void arrive(Frame const& frame) {
        wire->card->receive(frame);
        wire->card->received();
    }
    bool take(std::uint32_t written) {
        auto const used = guest.queue(receive).take_used();
        return used && used->written == written;
    }
};

} // namespace

TEST_CASE("the card's page (5.1.1 to 5.1.4)", "[net]") {
    Rig rig;
    auto const& page = rig.guest.page();
    CHECK(page.device_id == 1);
    CHECK(page.queues == 2);
    CHECK(page.device_features ==
          (1ull << 3 | 1ull << 5 | 1ull << 16 | 1ull << 28 | 1ull << 29 | 1ull << 32));
    REQUIRE(page.config_size == 12);
    CHECK(std::equal(mac.begin(), mac.end(), page.config));
    CHECK(page.config[6] == 1); // up
    CHECK(page.config[8] == 1); // one pair of queues
    CHECK(page.config[10] + 256 * page.config[11] == 1500);
}

TEST_CASE("a frame from the guest arrives without its header, however it is cut", "[net]") {
    Rig rig;
    REQUIRE(rig.guest.start() == 15);
    auto const frame = frame_of(1514);
    std::vector<std::vector<std::uint32_t>> const cuts = {{1526},    {12, 1514},    {1, 11, 1514},
                                                          {5, 1521}, {20, 6, 1500}, {12, 1, 1, 1, 1511}};
    for (auto const& cut : cuts) {
        rig.send(frame, cut);
        auto const used = rig.guest.queue(transmit).take_used();
        REQUIRE(used);
        CHECK(used->written == 0);
    }
    CHECK(rig.wire->sent == std::vector<Frame>(cuts.size(), frame));
    CHECK(rig.net->counters().tx_frames == cuts.size());
    CHECK(rig.net->counters().tx_bytes == 1514 * cuts.size());
    CHECK((rig.guest.take_interrupts() & 1u << transmit) != 0);
}

TEST_CASE("frames of no possible size are dropped, and the card goes on", "[net]") {
    Rig rig;
    REQUIRE(rig.guest.start() == 15);
    for (std::uint32_t const bytes : {1u, 11u, 12u, 25u, 1531u, 40000u}) {
        rig.guest.queue(transmit).offer({{data, bytes, false}});
        rig.ring(transmit);
        REQUIRE(rig.guest.queue(transmit).take_used());
    }
    rig.guest.queue(transmit).offer({{data, 64, true}}); // nothing to read at all
    rig.ring(transmit);
    CHECK(rig.wire->sent.empty());
    CHECK(rig.net->counters().tx_dropped == 7);
    rig.send(frame_of(14));
    rig.send(frame_of(1518));
    CHECK(rig.wire->sent == std::vector<Frame>{frame_of(14), frame_of(1518)});
    CHECK(rig.guest.faults().empty());
}

TEST_CASE("a frame for the guest has a header in front and fills buffers in turn", "[net]") {
    Rig rig;
    REQUIRE(rig.guest.start() == 15);
    auto const frame = frame_of(1514);
    std::vector<std::vector<std::uint32_t>> const cuts = {{1526}, {12, 1514}, {3, 20, 2000}, {65536}};
    for (auto const& cut : cuts) {
        std::vector<Buffer> buffers;
        auto at = data;
        rig.put(data, Frame(2048, std::byte{0xee}));
        for (auto const size : cut) {
            buffers.push_back({at, size, true});
            at += size;
        }
        rig.guest.queue(receive).offer(buffers);
        rig.ring(receive);
        rig.arrive(frame);
        CHECK(rig.take(1526));
        Frame expected(header);
        expected[10] = std::byte{1}; // num_buffers
        CHECK(rig.get(data, header) == expected);
        CHECK(rig.get(data + header, 1514) == frame);
        CHECK(rig.get(data + 1526, 1) == Frame{std::byte{0xee}});
    }
    CHECK(rig.net->counters().rx_frames == cuts.size());
    CHECK((rig.guest.take_interrupts() & 1u << receive) != 0);
}

TEST_CASE("a frame that finds no buffer is dropped, not kept", "[net]") {
    Rig rig;
    rig.arrive(frame_of(60)); // nobody there yet
    REQUIRE(rig.guest.start() == 15);
    rig.arrive(frame_of(60));
    CHECK(rig.net->counters().rx_dropped == 2);
    rig.guest.queue(receive).offer({{data, 2048, true}});
    rig.ring(receive);
    CHECK_FALSE(rig.guest.queue(receive).take_used());
    rig.arrive(frame_of(60, 9));
    CHECK(rig.take(72));
    CHECK(rig.get(data + header, 60) == frame_of(60, 9));
}

TEST_CASE("a full queue of buffers is filled in order, and then frames are dropped", "[net]") {
    Rig rig;
    REQUIRE(rig.guest.start() == 15);
    for (unsigned i = 0; i < Net::queue_size; ++i) {
        rig.guest.queue(receive).offer({{data + 128 * i, 128, true}});
    }
    rig.ring(receive);
    for (unsigned i = 0; i < Net::queue_size + 10; ++i) {
        rig.wire->card->receive(frame_of(100, i));
    }
    CHECK(rig.net->counters().rx_frames == Net::queue_size);
    CHECK(rig.net->counters().rx_dropped == 10);
    CHECK(rig.guest.raised() == 0);
    rig.wire->card->received();
    CHECK(rig.guest.raised() == 1); // for all of them
    for (unsigned i = 0; i < Net::queue_size; ++i) {
        REQUIRE(rig.take(112));
        REQUIRE(rig.get(data + 128 * i + header, 100) == frame_of(100, i));
    }
}

TEST_CASE("a buffer that is too short goes back empty; the next one is used", "[net]") {
    Rig rig;
    REQUIRE(rig.guest.start() == 15);
    for (auto const& buffer : {Buffer{data, 71, true}, Buffer{data, 8, true}, Buffer{data, 2048, false}}) {
        rig.guest.queue(receive).offer({buffer});
    }
    rig.guest.queue(receive).offer({{data, 72, true}});
    rig.ring(receive);
    rig.put(data, Frame(72, std::byte{0xee}));
    for (unsigned i = 0; i < 3; ++i) {
        rig.arrive(frame_of(60));
        CHECK(rig.take(0));
        CHECK(rig.get(data, 72) == Frame(72, std::byte{0xee}));
    }
    rig.arrive(frame_of(60));
    CHECK(rig.take(72));
    CHECK(rig.net->counters().rx_dropped == 3);
    CHECK(rig.guest.faults().empty());
}

TEST_CASE("while the link is down nothing passes, and the driver is told", "[net]") {
    Rig rig;
    REQUIRE(rig.guest.start() == 15);
    rig.guest.queue(receive).offer({{data + 4096, 2048, true}});
    rig.ring(receive);
    rig.net->set_link(false);
    CHECK(rig.guest.take_interrupts() == 1ull << COOP_DEVICE_CONFIG_INTERRUPT);
    CHECK(rig.guest.page().config[6] == 0);
    rig.arrive(frame_of(60));
    rig.send(frame_of(60));
    CHECK(rig.guest.queue(transmit).take_used()); // a guest that sends goes on
    CHECK_FALSE(rig.guest.queue(receive).take_used());
    CHECK(rig.wire->sent.empty());
    CHECK(rig.net->counters().rx_dropped == 1);
    CHECK(rig.net->counters().tx_dropped == 1);
    rig.net->set_link(true);
    CHECK(rig.guest.page().config[6] == 1);
    rig.arrive(frame_of(60));
    rig.send(frame_of(60));
    CHECK(rig.take(72));
    CHECK(rig.wire->sent.size() == 1);
}

TEST_CASE("a link that goes down before DRIVER_OK is told at it", "[net]") {
    Rig rig;
    rig.guest.negotiate(virtio_common_features);
    rig.guest.enable_queues();
    rig.net->set_link(false);
    rig.guest.set_status(15);
    CHECK(rig.guest.take_interrupts() == 1ull << COOP_DEVICE_CONFIG_INTERRUPT);
    CHECK(rig.guest.page().config[6] == 0);
}

TEST_CASE("frames and buffers offered before DRIVER_OK need no doorbell", "[net]") {
    Rig rig;
    rig.guest.negotiate(virtio_common_features);
    rig.guest.enable_queues();
    rig.put(data + header, frame_of(60));
    rig.guest.queue(transmit).offer({{data, 72, false}});
    rig.guest.queue(transmit).publish();
    rig.guest.queue(receive).offer({{data + 4096, 2048, true}});
    rig.guest.queue(receive).publish();
    CHECK(rig.guest.set_status(15) == 15);
    CHECK(rig.wire->sent == std::vector<Frame>{frame_of(60)});
    rig.arrive(frame_of(80));
    CHECK(rig.take(92));
}

TEST_CASE("an answer within the sending interrupts once", "[net]") {
    Rig rig;
    REQUIRE(rig.guest.start() == 15);
    for (unsigned i = 0; i < 20; ++i) {
        rig.guest.queue(receive).offer({{data + 4096 + 256 * i, 256, true}});
        rig.guest.queue(transmit).offer({{data, 72, false}});
    }
    rig.guest.queue(receive).publish();
    rig.wire->on_send = [&] { rig.wire->card->receive(rig.wire->sent.back()); };
    rig.ring(transmit);
    CHECK(rig.net->counters().rx_frames == 20);
    CHECK(rig.guest.raised() == 1);
    CHECK(rig.guest.take_interrupts() == (1u << receive | 1u << transmit));
}

TEST_CASE("interrupts that the driver does not want are not raised", "[net]") {
    Rig rig;
    bool const event_idx = GENERATE(false, true);
    REQUIRE(rig.guest.start(rig.guest.page().device_features & ~(event_idx ? 0 : virtio_f_event_idx)) == 15);
    auto& queue = rig.guest.queue(receive);
    for (unsigned i = 0; i < 3; ++i) {
        queue.offer({{data + 256 * i, 256, true}});
    }
    queue.publish();
    CHECK(queue.no_notify() == !event_idx); // more buffers are no news to the card
    queue.set_no_interrupt(true);
    queue.set_used_event(2);
    rig.arrive(frame_of(60));
    rig.arrive(frame_of(60));
    CHECK(rig.guest.take_interrupts() == 0);
    queue.set_no_interrupt(false);
    rig.arrive(frame_of(60));
    CHECK(rig.guest.take_interrupts() == 1u << receive);
}

TEST_CASE("a guest that sends without end does not keep the event loop", "[net]") {
    constexpr unsigned total = 1000;
    Rig rig;
    REQUIRE(rig.guest.start() == 15);
    auto& queue = rig.guest.queue(transmit);
    unsigned offered = 0;
    auto const offer = [&] {
        queue.offer({{data, 72, false}});
        queue.publish();
        ++offered;
    };
    rig.wire->on_send = [&] { // another vCPU, as fast as the device
        queue.take_used();
        if (offered < total) {
            offer();
        }
    };
    offer();
    rig.guest.bus().doorbell(0, transmit);
    CHECK(rig.wire->sent.size() == Net::queue_size);
    CHECK(rig.more == 1);
    unsigned calls = 1;
    for (; rig.wire->sent.size() < total && calls == rig.more; ++calls) {
        rig.guest.bus().doorbell(0, transmit); // as it asked
    }
    CHECK(rig.wire->sent.size() == total);
    CHECK(queue.avail_event() == queue.next_avail()); // the guest rings again
}

TEST_CASE("each way to break a queue breaks the card until reset, and nothing else", "[net]") {
    struct Hostile {
        char const* what;
        std::function<void(TestDriver&)> offer;
    };
    std::vector<Hostile> const cases = {
        {"a head beyond the table", [](TestDriver& queue) { queue.offer_head(999); }},
        {"a buffer beyond RAM",
         [](TestDriver& queue) {
             queue.write_raw(3, data + TestRam::default_size, 2048, desc_write, 0);
             queue.offer_head(3);
         }},
        {"a buffer around the end of all addresses",
         [](TestDriver& queue) {
             queue.write_raw(3, ~0ull - 100, 2048, desc_write, 0);
             queue.offer_head(3);
         }},
        {"an empty buffer",
         [](TestDriver& queue) {
             queue.write_raw(3, data, 0, desc_write, 0);
             queue.offer_head(3);
         }},
        {"a chain without end",
         [](TestDriver& queue) {
             queue.write_raw(3, data, 64, desc_next, 4);
             queue.write_raw(4, data, 64, desc_next, 3);
             queue.offer_head(3);
         }},
        {"a table in a table",
         [](TestDriver& queue) {
             queue.write_raw_at(data, data + 64, 16, desc_indirect, 0);
             queue.write_raw(3, data, 16, desc_indirect, 0);
             queue.offer_head(3);
         }},
        {"an index that has run ahead", [](TestDriver& queue) { queue.publish_index(Net::queue_size + 1); }},
    };
    for (auto const& hostile : cases) {
        for (unsigned const queue : {receive, transmit}) {
            INFO(hostile.what << ", queue " << queue);
            Rig rig;
            REQUIRE(rig.guest.start() == 15);
            hostile.offer(rig.guest.queue(queue));
            if (hostile.what != cases.back().what) {
                rig.guest.queue(queue).publish();
            }
            rig.guest.bus().doorbell(0, queue);
            rig.arrive(frame_of(60));
            CHECK(rig.guest.page().status_seen == (15 | 64));
            REQUIRE(rig.guest.faults().size() == 1);
            CHECK_THAT(rig.guest.faults()[0], Catch::Matchers::StartsWith(
                                                  queue == receive ? "network input: " : "network output: "));
            rig.arrive(frame_of(60));
            CHECK(rig.wire->sent.empty());
            REQUIRE(rig.guest.start() == 15);
            rig.guest.queue(receive).offer({{data + 4096, 2048, true}});
            rig.ring(receive);
            rig.arrive(frame_of(60));
            CHECK(rig.take(72));
            rig.send(frame_of(60));
            CHECK(rig.wire->sent.size() == 1);
        }
    }
}

TEST_CASE("after a reset guest memory is left alone", "[net]") {
    Rig rig;
    REQUIRE(rig.guest.start() == 15);
    rig.guest.queue(receive).offer({{data, 2048, true}});
    rig.ring(receive);
    rig.put(data, Frame(72, std::byte{0xee}));
    rig.guest.set_status(0);
    rig.arrive(frame_of(60));
    CHECK(rig.get(data, 72) == Frame(72, std::byte{0xee}));
    CHECK(rig.net->counters().rx_dropped == 1);
}
