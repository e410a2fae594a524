// SPDX-License-Identifier: GPL-2.0-only
// virtio network card (virtio 1.2, section 5.1): one pair of queues, no offloads.
#pragma once

#include "devices/device.hpp"
#include "devices/net_backend.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace coop {

using MacAddress = std::array<std::uint8_t, 6>;

// Since the card was made. Dropped: the link was down; to the guest, it had no room; from it, the frame was
// too short or too long.
struct NetCounters {
    std::uint64_t rx_frames = 0; // to the guest
    std::uint64_t rx_bytes = 0;
    std::uint64_t rx_dropped = 0;
    std::uint64_t tx_frames = 0; // from the guest
    std::uint64_t tx_bytes = 0;
    std::uint64_t tx_dropped = 0;
};

// Everything on the event loop's thread.
class Net : public Device, private NetPort {
public:
    static constexpr std::uint16_t queue_size = 256;

    // more: called when a guest has sent a queue's worth and may go on without end; arrange for notify(1)
    // once the event loop has looked after others. May be called again before that.
    Net(std::unique_ptr<NetBackend> backend, MacAddress mac, std::function<void()> more);

    // Up at first. While it is down every frame is dropped.
    void set_link(bool up);
    NetCounters const& counters() const { return counters_; }

    std::uint32_t id() const override;
    std::uint64_t features() const override;
    std::vector<std::uint16_t> queue_sizes() const override;
    std::vector<std::byte> config() const override;
    void activate(std::uint64_t driver_features, std::vector<Virtqueue> queues, InterruptLine line) override;
    void notify(unsigned queue) override;
    void reset() override;

private:
    void receive(std::span<std::byte const> frame) override;
    void received() override;
    bool deliver(std::span<std::byte const> frame);
    void transmit();
    bool send(Chain const& chain);

    std::unique_ptr<NetBackend> backend_;
    MacAddress mac_;
    std::function<void()> more_;
    bool up_ = true;
    NetCounters counters_;
    std::vector<std::byte>
        frame_; // what the backend is shown: a guest may change its own buffers at any time
    Virtqueue receive_;
    Virtqueue transmit_;
    InterruptLine line_;
};

} // namespace coop
