// SPDX-License-Identifier: GPL-2.0-only
// Fuzz target: any memory as a virtqueue. The input is a header (size, features, where the rings are, how
// often to pop) and the guest's RAM. Each request must be the one that reference_queue.hpp finds, in RAM.
#include "../unit/devices/test_driver.hpp"
#include "fuzz_target.hpp"
#include "reference_queue.hpp"

#include <algorithm>
#include <cstring>

namespace {

using namespace coop;
using coop::fuzz::require;

constexpr std::uint64_t low = 0x10000; // one part of RAM is here …
constexpr std::uint64_t low_bytes = 0x2000;
constexpr std::uint64_t high = 0x1'0000'0000; // … and one that has room for the longest indirect table here
constexpr std::uint64_t high_bytes = 0x5000;
constexpr std::size_t ring_bytes = 0x800; // the input fills this much at the start of each part

struct Header {
    std::uint16_t size;
    std::uint8_t features; // bit 0: indirect, bit 1: event index
    std::uint8_t rounds;
    std::uint16_t desc;
    std::uint16_t driver;
    std::uint16_t device;
};

test::TestRam& guest() {
    static test::TestRam ram{{{low, low_bytes}, {high, high_bytes}}};
    return ram;
}

// The buffers of the list are those from first on that are writable or not; returns where the next begin.
template <typename List>
std::size_t check(List const& list, std::uint64_t bytes, fuzz::ReferenceQueue const& reference,
                  std::size_t first, bool writable) {
    std::uint64_t sum = 0;
    for (auto const piece : list) {
        require(first < reference.buffers.size(), "no buffers but the chain's");
        auto const& buffer = reference.buffers[first++];
        require(piece.data() == guest().at(buffer.gpa) && piece.size() == buffer.bytes, "the chain's buffer");
        require(writable == buffer.writable, "the chain's buffer is writable or not");
        sum += piece.size();
    }
    require(sum == bytes, "the bytes add up");
    return first;
}

void check(Chain const& chain, fuzz::ReferenceQueue const& reference) {
    require(chain.head == reference.head, "the chain that is next");
    auto const readable = check(chain.readable, chain.readable_bytes, reference, 0, false);
    auto const all = check(chain.writable, chain.writable_bytes, reference, readable, true);
    require(all == reference.buffers.size(), "all of the chain's buffers");
}

// What the driver offers becomes an input. size: of the queue as the device is told; the driver's has 8.
template <typename Offer>
std::vector<std::uint8_t> seed(std::uint16_t size, Offer const& offer) {
    auto& ram = guest();
    std::memset(ram.at(low), 0, low_bytes);
    std::memset(ram.at(high), 0, high_bytes);
    test::TestDriver driver{ram, low, 8};
    offer(driver);
    driver.publish();
    auto const layout = driver.layout();
    Header const header{size,
                        3,
                        8,
                        0,
                        static_cast<std::uint16_t>(layout.driver_gpa - low),
                        static_cast<std::uint16_t>(layout.device_gpa - low)};
    std::vector<std::uint8_t> bytes(sizeof(header) + 2 * ring_bytes);
    std::memcpy(bytes.data(), &header, sizeof(header));
    std::memcpy(bytes.data() + sizeof(header), ram.at(low), ring_bytes);
    std::memcpy(bytes.data() + sizeof(header) + ring_bytes, ram.at(high), ring_bytes);
    return bytes;
}

} // namespace

std::vector<std::vector<std::uint8_t>> coop::fuzz::seeds() {
    using test::TestDriver;
    std::vector<test::Buffer> const buffers{
        {high + 0x100, 16, false}, {high + 0x200, 512, true}, {low + 0x700, 1, true}};
    std::vector<std::vector<std::uint8_t>> seeds;
    seeds.push_back(seed(8, [&](TestDriver& driver) {
        driver.offer(buffers);
        driver.offer(buffers);
    }));
    // Without what is behind the rings and the chains' tables: changes then hit what matters.
    seeds.push_back(seeds.back());
    seeds.back().resize(sizeof(Header) + 0x100);
    seeds.push_back(seed(8, [&](TestDriver& driver) {
        driver.offer_indirect(high + 0x400, buffers);
        driver.offer_indirect(high + 0x400, buffers);
    }));
    // More descriptors than the queue has.
    seeds.push_back(seed(8, [&](TestDriver& driver) {
        driver.offer_indirect(high + 0x400, std::vector<test::Buffer>(12, {low + 0x700, 1, true}));
    }));
    // And next to the limits, where the guest's mistakes look like requests: a descriptor behind the table as
    // a chain's head and as its next one, a table in a table, one that is too long, one beyond RAM.
    seeds.push_back(seed(4, [&](TestDriver& driver) {
        driver.write_raw(6, high + 0x100, 16, 0, 0);
        driver.offer_head(6);
    }));
    seeds.push_back(seed(4, [&](TestDriver& driver) {
        driver.write_raw(3, high + 0x100, 16, test::desc_next, 4);
        driver.write_raw(4, high + 0x200, 16, 0, 0);
        driver.offer_head(3);
    }));
    for (std::uint32_t const entries : {3u, Virtqueue::max_indirect, Virtqueue::max_indirect + 1}) {
        seeds.push_back(seed(8, [&](TestDriver& driver) {
            driver.write_raw(0, high + 0x400, 16 * entries, test::desc_indirect, 0);
            driver.write_raw_at(high + 0x400, high + 0x100, 16, entries == 3 ? test::desc_indirect : 0, 0);
            driver.write_raw_at(high + 0x100, high + 0x200, 16, 0, 0);
            driver.offer_head(0);
        }));
    }
    seeds.push_back(seed(8, [&](TestDriver& driver) {
        driver.write_raw(0, low + 0x400, low_bytes, test::desc_indirect, 0);
        driver.write_raw_at(low + 0x400, high + 0x100, 16, 0, 0);
        driver.offer_head(0);
    }));
    return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    Header header{};
    if (size < sizeof(header)) {
        return 0;
    }
    std::memcpy(&header, data, sizeof(header));
    data += sizeof(header);
    size -= sizeof(header);
    auto& ram = guest();
    std::size_t const first = std::min(size, ring_bytes);
    std::memset(ram.at(low), 0, low_bytes);
    std::memset(ram.at(high), 0, high_bytes);
    std::memcpy(ram.at(low), data, first);
    std::memcpy(ram.at(high), data + first, std::min(size - first, ring_bytes));

    std::uint64_t const features = virtio_f_version_1 |
                                   ((header.features & 1) != 0 ? virtio_f_indirect_desc : 0) |
                                   ((header.features & 2) != 0 ? virtio_f_event_idx : 0);
    VirtqueueLayout const layout{header.size, low + header.desc, low + header.driver, low + header.device};
    auto queue = Virtqueue::create(ram.ram(), layout, features);
    if (!queue) {
        require(!queue.error().message.empty(), "a refusal says why");
        return 0;
    }
    using Next = fuzz::ReferenceQueue::Next;
    fuzz::ReferenceQueue reference{ram, layout, features};
    std::vector<Chain> held;
    auto const push = [&](Chain const& chain, std::uint32_t written) {
        queue->push(chain, written);
        require(reference.pushed(chain.head, written), "the driver finds what was pushed");
    };
    for (unsigned round = 0; round < header.rounds; ++round) {
        Next const next = reference.pop();
        auto popped = queue->pop();
        if (!popped) {
            require(next == Next::broken, "what is refused is broken");
            require(!popped.error().message.empty(), "a refusal says why");
            break;
        }
        if (!popped->has_value()) {
            require(next == Next::none, "nothing is left out");
            break;
        }
        require(next == Next::chain, "what is broken is refused");
        check(**popped, reference);
        held.push_back(std::move(**popped));
        if (round % 3 == 2) {
            push(held.front(), 1);
            held.erase(held.begin());
            (void)queue->should_interrupt();
        }
    }
    for (auto const& chain : held) {
        push(chain, 0);
    }
    (void)queue->enable_notifications();
    return 0;
}
