// SPDX-License-Identifier: GPL-2.0-only
// What a virtio device model is to the bus.
#pragma once

#include "devices/interrupt_line.hpp"
#include "devices/virtqueue.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace coop {

// The bus calls activate, notify and both resets from one thread (the event loop's); id, features,
// queue_sizes and config may be asked at any time from there.
class Device {
public:
    virtual ~Device() = default;

    virtual std::uint32_t id() const = 0;                       // virtio 1.2, section 5
    virtual std::uint64_t features() const = 0;                 // offered
    virtual std::vector<std::uint16_t> queue_sizes() const = 0; // largest sizes, powers of two; constant
    virtual std::vector<std::byte> config() const = 0; // device-specific config space, of constant size

    // DRIVER_OK: features are a subset of features() with VIRTIO_F_VERSION_1. queues: one for each of
    // queue_sizes(), in order; those the driver does not use are not enabled(). Buffers may wait already: no
    // doorbell comes for them.
    virtual void activate(std::uint64_t driver_features, std::vector<Virtqueue> queues,
                          InterruptLine line) = 0;
    // A doorbell for a queue of the active device; may come without need.
    virtual void notify(unsigned queue) = 0;
    // On return guest memory is no longer touched. Harmless when not active.
    virtual void reset() = 0;
    // The same without waiting. done is called once, from any thread, perhaps before the return and at the
    // latest within the next reset(); it must not call back.
    // NOLINTNEXTLINE(performance-unnecessary-value-param): others keep it
    virtual void begin_reset(std::function<void()> done) {
        reset();
        done();
    }
};

} // namespace coop
