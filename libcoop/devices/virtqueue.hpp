// SPDX-License-Identifier: GPL-2.0-only
// The device's side of a split virtqueue (virtio 1.2, section 2.7). The driver's side is a guest that may do
// anything at any time: each value is read from shared memory once, checked, and only then used. A queue that
// breaks the rules gives a Failure; the device is then to be reset by its driver.
#pragma once

#include "devices/expected.hpp"
#include "devices/guest_ram.hpp"
#include "devices/virtio.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace coop {

// Where the driver put a queue; addresses are guest-physical.
struct VirtqueueLayout {
    std::uint16_t size;
    std::uint64_t desc_gpa;
    std::uint64_t driver_gpa;
    std::uint64_t device_gpa;
};

// One request: buffers to read, then buffers to write, all inside guest RAM. Their contents may change under
// the reader. A buffer of the guest may be several spans here. Each list holds no empty span.
struct Chain {
    std::uint16_t head = 0;
    std::vector<std::span<std::byte const>> readable;
    std::vector<std::span<std::byte>> writable;
    std::uint64_t readable_bytes = 0; // both sums together are below 2^32
    std::uint64_t writable_bytes = 0;
};

// Not thread-safe: callers lock. Refers to GuestRam, which must outlive it.
class Virtqueue {
public:
    // The most descriptors in an indirect table. More than the size of the queue, which is the driver's own
    // limit: a driver that settled for a smaller queue may still make requests as long as the device model
    // allows.
    static constexpr unsigned max_indirect = 1024;

    // A queue the driver left disabled: always empty.
    Virtqueue() = default;
    // Fails unless size is a power of two up to 32768 and the three parts are aligned (section 2.7) and
    // inside RAM. features: as negotiated.
    static Expected<Virtqueue> create(GuestRam const& ram, VirtqueueLayout const& layout,
                                      std::uint64_t features);

    bool enabled() const { return ram_ != nullptr; }
    std::uint16_t size() const { return size_; }

    // The next request, none if the driver has offered no more, or how the driver broke the queue.
    Expected<std::optional<Chain>> pop();
    // Hands a popped chain back, with the number of bytes written to the front of its writable buffers. Any
    // order.
    void push(Chain const& chain, std::uint32_t written);
    // Whether the driver wants an interrupt for what was pushed since the last call.
    bool should_interrupt();

    // Ask the driver for no doorbells while the queue is being worked off; it may ring all the same.
    void disable_notifications();
    // Ask for doorbells again. Returns true if more requests came meanwhile: then pop again, no doorbell need
    // come.
    bool enable_notifications();

    // Shows read each chain the driver offers and hands it back unwritten, up to a queue's worth; interrupts
    // are the caller's. true: there may be more, and notifications are off: go on once others have had their
    // turn. Failure: how the driver broke the queue.
    Expected<bool> drain(std::function<void(Chain const&)> const& read);

private:
    struct Descriptor {
        std::uint64_t gpa;
        std::uint32_t bytes;
        std::uint16_t flags;
        std::uint16_t next;
    };
    // A descriptor table of the guest: the queue's own or an indirect one.
    struct Table {
        std::byte const* base;
        std::uint32_t size;
        bool indirect;
    };

    std::uint16_t available_index() const;
    static Descriptor read_descriptor(Table const& table, std::uint32_t index);
    Expected<Table> open_indirect(Descriptor const& descriptor) const;
    Expected<void> walk(std::uint16_t head, Chain& chain) const;
    Expected<void> append(Descriptor const& descriptor, Chain& chain) const;

    GuestRam const* ram_ = nullptr;
    std::uint64_t features_ = 0;
    std::uint16_t size_ = 0;
    std::byte const* desc_ = nullptr;
    std::byte* driver_ = nullptr;
    std::byte* device_ = nullptr;
    std::uint16_t next_available_ = 0; // free-running, as in the ring
    std::uint16_t next_used_ = 0;
    std::uint16_t interrupted_used_ = 0; // next_used_ when should_interrupt() last decided
    std::vector<bool> in_flight_;        // by head
};

} // namespace coop
