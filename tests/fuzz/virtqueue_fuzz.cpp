// SPDX-License-Identifier: GPL-2.0-only
// Fuzz target: any memory as a virtqueue. The input is a header (size, features, where the rings are, how
// often to pop) and the guest's RAM. Chains must lie in RAM, be as long as they say, and be bounded in
// number.
#include "../unit/devices/test_driver.hpp"
#include "fuzz_target.hpp"

#include <algorithm>
#include <cstring>

namespace {

using namespace coop;
using coop::fuzz::require;

constexpr std::uint64_t ram_bytes = 0x4000;
constexpr std::uint64_t low = 0x10000;        // the first half of RAM is here …
constexpr std::uint64_t high = 0x1'0000'0000; // … the other here
constexpr std::size_t ring_bytes = 0x800;     // the input fills this much at the start of each half

struct Header {
    std::uint16_t size;
    std::uint8_t features; // bit 0: indirect, bit 1: event index
    std::uint8_t rounds;
    std::uint16_t desc;
    std::uint16_t driver;
    std::uint16_t device;
};

test::TestRam& guest() {
    static test::TestRam ram{{{low, ram_bytes / 2}, {high, ram_bytes / 2}}};
    return ram;
}

bool in_ram(std::byte const* p, std::size_t bytes) {
    return std::any_of(
        guest().ram().extents().begin(), guest().ram().extents().end(), [&](RamExtent const& extent) {
            return p >= extent.base && bytes <= extent.size && p + bytes <= extent.base + extent.size;
        });
}

template <typename List>
std::uint64_t check(List const& list) {
    std::uint64_t sum = 0;
    for (auto const piece : list) {
        require(!piece.empty() && in_ram(piece.data(), piece.size()), "each piece is in RAM");
        sum += piece.size();
    }
    return sum;
}

} // namespace

std::vector<std::vector<std::uint8_t>> coop::fuzz::seeds() {
    std::vector<std::vector<std::uint8_t>> seeds;
    for (bool const indirect : {false, true}) {
        auto& ram = guest();
        for (auto const& extent : ram.ram().extents()) {
            std::memset(extent.base, 0, extent.size);
        }
        test::TestDriver driver{ram, low, 8};
        std::vector<test::Buffer> const buffers{
            {high + 0x100, 16, false}, {high + 0x200, 512, true}, {low + 0x700, 1, true}};
        for (int i = 0; i < 2; ++i) {
            if (indirect) {
                driver.offer_indirect(high + 0x400, buffers);
            } else {
                driver.offer(buffers);
            }
        }
        driver.publish();
        auto const layout = driver.layout();
        Header const header{8,
                            3,
                            8,
                            0,
                            static_cast<std::uint16_t>(layout.driver_gpa - low),
                            static_cast<std::uint16_t>(layout.device_gpa - low)};
        std::vector<std::uint8_t> seed(sizeof(header) + 2 * ring_bytes);
        std::memcpy(seed.data(), &header, sizeof(header));
        std::memcpy(seed.data() + sizeof(header), ram.at(low), ring_bytes);
        std::memcpy(seed.data() + sizeof(header) + ring_bytes, ram.at(high), ring_bytes);
        // Once as it is, once without what is behind the rings and the chains' tables: changes then hit what
        // matters.
        seeds.push_back(seed);
        if (!indirect) {
            seed.resize(sizeof(header) + 0x100);
            seeds.push_back(seed);
        }
    }
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
    std::memset(ram.at(low), 0, ram_bytes / 2);
    std::memset(ram.at(high), 0, ram_bytes / 2);
    std::memcpy(ram.at(low), data, first);
    std::memcpy(ram.at(high), data + first, std::min(size - first, ring_bytes));

    std::uint64_t const features = virtio_f_version_1 |
                                   ((header.features & 1) != 0 ? virtio_f_indirect_desc : 0) |
                                   ((header.features & 2) != 0 ? virtio_f_event_idx : 0);
    auto queue = Virtqueue::create(
        ram.ram(), {header.size, low + header.desc, low + header.driver, low + header.device}, features);
    if (!queue) {
        require(!queue.error().message.empty(), "a refusal says why");
        return 0;
    }
    std::vector<Chain> held;
    for (unsigned round = 0; round < header.rounds; ++round) {
        auto popped = queue->pop();
        if (!popped) {
            require(!popped.error().message.empty(), "a refusal says why");
            break;
        }
        if (!popped->has_value()) {
            break;
        }
        Chain& chain = **popped;
        require(check(chain.readable) == chain.readable_bytes, "the readable bytes add up");
        require(check(chain.writable) == chain.writable_bytes, "the writable bytes add up");
        require(chain.readable_bytes + chain.writable_bytes > 0, "a chain is not empty");
        require(chain.readable_bytes + chain.writable_bytes <= UINT32_MAX, "a chain is below 4 GiB");
        held.push_back(std::move(chain));
        require(held.size() <= queue->size(), "no more chains in flight than descriptors");
        if (round % 3 == 2) {
            queue->push(held.front(), 1);
            held.erase(held.begin());
            (void)queue->should_interrupt();
        }
    }
    for (auto const& chain : held) {
        queue->push(chain, 0);
    }
    (void)queue->enable_notifications();
    return 0;
}
