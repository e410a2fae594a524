// SPDX-License-Identifier: GPL-2.0-only
// Fuzz target: any memory as the two queues of a network card, with frames both ways. The input is a header
// (sizes, features, where the rings are), what happens in turn, and the guest's RAM. Whatever the guest says:
// only frames of a possible size come out, each is counted once, and nothing outside RAM is touched.
#include "../unit/devices/test_driver.hpp"
#include "devices/net.hpp"
#include "fuzz_target.hpp"

#include <algorithm>
#include <cstring>

namespace {

using namespace coop;
using coop::fuzz::require;

constexpr std::uint64_t low = 0x10000; // the input fills this part of RAM …
constexpr std::uint64_t low_bytes = 0x2000;
constexpr std::uint64_t high = 0x1'0000'0000; // … and this one has room for buffers
constexpr std::uint64_t high_bytes = 0x4000;
constexpr unsigned steps = 32;
constexpr std::uint16_t mtu_bytes = 1500;

struct Ring {
    std::uint16_t size;
    std::uint16_t desc;
    std::uint16_t driver;
    std::uint16_t device;
};
struct Header {
    Ring rings[2];
    std::uint8_t features; // bit 0: indirect, bit 1: event index
    std::uint8_t step[steps];
};

test::TestRam& guest() {
    static test::TestRam ram{{{low, low_bytes}, {high, high_bytes}}};
    return ram;
}

struct Wire : NetBackend {
    NetPort* card = nullptr;
    std::uint64_t frames = 0;
    bool echo = false;

    void plug(NetPort& port) override { card = &port; }
    void send(std::span<std::byte const> frame) override {
        require(frame.size() >= ethernet_header_bytes && frame.size() <= mtu_bytes + net_header_most,
                "a frame has a possible size");
        ++frames;
        if (echo) {
            card->receive(frame);
        }
    }
    std::uint16_t mtu() const override { return mtu_bytes; }
};

VirtqueueLayout layout(Ring const& ring) {
    return {ring.size, low + ring.desc, low + ring.driver, low + ring.device};
}

} // namespace

std::vector<std::vector<std::uint8_t>> coop::fuzz::seeds() {
    auto& ram = guest();
    std::memset(ram.at(low), 0, low_bytes);
    test::TestDriver receive{ram, low, 8};
    test::TestDriver transmit{ram, low + 0x400, 8};
    for (std::uint32_t i = 0; i < 3; ++i) {
        receive.offer({{high + 0x800 * i, 0x600, true}});
        transmit.offer({{high + 0x2000, 12, false}, {high + 0x2100, 60 + i, false}});
    }
    transmit.offer({{high + 0x2000, 1530, false}});
    transmit.offer_indirect(low + 0x800, {{high + 0x2000, 12, false}, {high + 0x2100, 1514, false}});
    receive.offer_indirect(low + 0x900, {{high, 12, true}, {high + 0x100, 0x600, true}});
    receive.publish();
    transmit.publish();
    Header header{};
    for (unsigned i = 0; i < 2; ++i) {
        auto const rings = (i == 0 ? receive : transmit).layout();
        header.rings[i] = {8, static_cast<std::uint16_t>(rings.desc_gpa - low),
                           static_cast<std::uint16_t>(rings.driver_gpa - low),
                           static_cast<std::uint16_t>(rings.device_gpa - low)};
    }
    header.features = 3;
    for (unsigned i = 0; i < steps; ++i) {
        header.step[i] = static_cast<std::uint8_t>(i * 37);
    }
    std::vector<std::uint8_t> bytes(sizeof(header) + 0xa00);
    std::memcpy(bytes.data(), &header, sizeof(header));
    std::memcpy(bytes.data() + sizeof(header), ram.at(low), 0xa00);
    return {bytes};
}

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    Header header{};
    if (size < sizeof(header)) {
        return 0;
    }
    std::memcpy(&header, data, sizeof(header));
    auto& ram = guest();
    std::memset(ram.at(low), 0, low_bytes);
    std::memcpy(ram.at(low), data + sizeof(header), std::min<std::size_t>(size - sizeof(header), low_bytes));

    std::uint64_t const features = virtio_f_version_1 |
                                   ((header.features & 1) != 0 ? virtio_f_indirect_desc : 0) |
                                   ((header.features & 2) != 0 ? virtio_f_event_idx : 0);
    std::vector<Virtqueue> queues;
    for (auto const& ring : header.rings) {
        auto queue = Virtqueue::create(ram.ram(), layout(ring), features);
        queues.push_back(queue ? std::move(*queue) : Virtqueue{});
    }
    auto owned = std::make_unique<Wire>();
    auto& wire = *owned;
    Net net{std::move(owned), {0x52, 0x54, 0, 0, 0, 1}, [] {}};
    net.activate(features, std::move(queues), {});
    std::uint64_t received = 0;
    static std::vector<std::byte> const frame(mtu_bytes + net_header_most, std::byte{0x5a});
    for (auto const step : header.step) {
        switch (step % 4) {
        case 0:
            net.notify(1);
            break;
        case 1: {
            auto const before = net.counters().rx_frames + net.counters().rx_dropped;
            wire.card->receive(std::span{frame}.first(std::size_t{step} * 6 % frame.size()));
            require(net.counters().rx_frames + net.counters().rx_dropped == before + 1,
                    "a frame counts once");
            ++received;
            break;
        }
        case 2:
            wire.card->received();
            break;
        default:
            wire.echo = !wire.echo;
        }
    }
    require(net.counters().tx_frames == wire.frames, "the frames that were sent are counted");
    require(net.counters().rx_frames <= received + wire.frames, "no frames from nowhere");
    net.reset();
    auto const before = net.counters().rx_frames;
    wire.card->receive(frame);
    require(net.counters().rx_frames == before, "a reset card receives nothing");
    return 0;
}
