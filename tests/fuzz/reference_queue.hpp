// SPDX-License-Identifier: GPL-2.0-only
// What the next request of a split virtqueue is (virtio 1.2, section 2.7), found out a second time and in
// another way: by guest-physical addresses, a chain's end by the descriptors seen before. Slow, plain, and
// without a word on why a queue is broken.
#pragma once

#include "../unit/devices/test_ram.hpp"
#include "devices/virtio.hpp"
#include "devices/virtqueue.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace coop::fuzz {

class ReferenceQueue {
public:
    struct Buffer {
        std::uint64_t gpa;
        std::uint32_t bytes;
        bool writable;
    };
    enum class Next { none, broken, chain };

    ReferenceQueue(test::TestRam const& ram, VirtqueueLayout const& layout, std::uint64_t features)
        : ram_{ram}, layout_{layout}, features_{features}, in_flight_(layout.size) {}

    // With Next::chain its head and buffers.
    Next pop() {
        auto const offered =
            static_cast<std::uint16_t>(ram_.get<std::uint16_t>(layout_.driver_gpa + 2) - popped_);
        if (offered == 0) {
            return Next::none;
        }
        head = ram_.get<std::uint16_t>(layout_.driver_gpa + 4 + popped_ % layout_.size * 2ull);
        buffers.clear();
        if (offered > layout_.size || head >= layout_.size || in_flight_[head] || !walk()) {
            return Next::broken;
        }
        in_flight_[head] = true;
        ++popped_;
        return Next::chain;
    }

    // After the queue's push: whether the driver finds the element where it looks for it.
    bool pushed(std::uint16_t which, std::uint32_t written) {
        std::uint64_t const element = layout_.device_gpa + 4 + pushed_ % layout_.size * 8ull;
        in_flight_[which] = false;
        ++pushed_;
        return ram_.get<std::uint32_t>(element) == which && ram_.get<std::uint32_t>(element + 4) == written &&
               ram_.get<std::uint16_t>(layout_.device_gpa + 2) == pushed_;
    }

    std::uint16_t head = 0;
    std::vector<Buffer> buffers;

private:
    bool in_ram(std::uint64_t gpa, std::uint64_t bytes) const {
        auto const& extents = ram_.ram().extents();
        return std::any_of(extents.begin(), extents.end(), [&](RamExtent const& extent) {
            return gpa >= extent.gpa && gpa - extent.gpa <= extent.size &&
                   bytes <= extent.size - (gpa - extent.gpa);
        });
    }

    bool walk() {
        std::uint64_t table = layout_.desc_gpa;
        std::uint32_t entries = layout_.size;
        std::uint32_t index = head;
        bool indirect = false;
        std::vector<bool> seen(entries);
        for (;;) {
            if (index >= entries || seen[index]) {
                return false;
            }
            seen[index] = true;
            std::uint64_t const at = table + index * 16ull;
            Buffer const buffer{ram_.get<std::uint64_t>(at), ram_.get<std::uint32_t>(at + 8),
                                (ram_.get<std::uint16_t>(at + 12) & 2) != 0};
            bool const more = (ram_.get<std::uint16_t>(at + 12) & 1) != 0;
            if (buffer.bytes == 0 || !in_ram(buffer.gpa, buffer.bytes)) {
                return false;
            }
            if ((ram_.get<std::uint16_t>(at + 12) & 4) != 0) {
                entries = buffer.bytes / 16;
                if ((features_ & virtio_f_indirect_desc) == 0 || indirect || more || buffer.bytes % 16 != 0 ||
                    entries > Virtqueue::max_indirect) {
                    return false;
                }
                indirect = true;
                table = buffer.gpa;
                index = 0;
                seen.assign(entries, false);
                continue;
            }
            if (!buffer.writable && !buffers.empty() && buffers.back().writable) {
                return false;
            }
            buffers.push_back(buffer);
            if (!more) {
                return true;
            }
            index = ram_.get<std::uint16_t>(at + 14);
        }
    }

    test::TestRam const& ram_;
    VirtqueueLayout layout_;
    std::uint64_t features_;
    std::uint16_t popped_ = 0;
    std::uint16_t pushed_ = 0;
    std::vector<bool> in_flight_;
};

} // namespace coop::fuzz
