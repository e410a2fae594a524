// SPDX-License-Identifier: GPL-2.0-only
// virtio console with one port (virtio 1.2, section 5.3).
#pragma once

#include "devices/device.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <span>
#include <vector>

namespace coop {

// input() and resize() may be called from any thread, also from within output.
class Console : public Device {
public:
    static constexpr std::size_t input_limit = 64ull * 1024;

    // output: bytes the guest wrote, in order, on the event loop's thread; valid during the call.
    // more: called there when a guest has written a queue's worth and may go on without end; arrange for
    // notify(1) once the event loop has looked after others.
    // May be called again before that.
    Console(std::function<void(std::span<std::byte const>)> output, std::function<void()> more);

    // Queues bytes until the guest offers buffers. Returns how many were taken: fewer once input_limit bytes
    // wait.
    std::size_t input(std::span<std::byte const> bytes);
    // In characters.
    void resize(std::uint16_t columns, std::uint16_t rows);

    std::uint32_t id() const override;
    std::uint64_t features() const override;
    std::vector<std::uint16_t> queue_sizes() const override;
    std::vector<std::byte> config() const override;
    void activate(std::uint64_t driver_features, std::vector<Virtqueue> queues, InterruptLine line) override;
    void notify(unsigned queue) override;
    void reset() override;

private:
    std::vector<std::byte> config_locked() const;
    void fill_locked();
    void drain();

    std::function<void(std::span<std::byte const>)> output_;
    std::function<void()> more_;
    std::vector<std::byte> copy_; // what output_ is shown: a guest may change its own buffers at any time

    Virtqueue transmit_; // event loop's thread only, like copy_

    mutable std::mutex mutex_; // guards what follows
    Virtqueue receive_;
    InterruptLine line_;
    std::deque<std::byte> waiting_;
    std::uint16_t columns_ = 80;
    std::uint16_t rows_ = 25;
};

} // namespace coop
