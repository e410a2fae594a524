// SPDX-License-Identifier: GPL-2.0-only
// A seam: what a virtual network card is plugged into. A frame is what Ethernet carries, without its
// checksum.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace coop {

// The card's side.
class NetPort {
public:
    // A frame for the guest; copied or dropped before it returns, never queued. Does not send.
    virtual void receive(std::span<std::byte const> frame) = 0;
    // The last of several frames was received: now the guest may be told.
    virtual void received() = 0;

protected:
    ~NetPort() = default;
};

// All calls, both ways, on the event loop's thread.
class NetBackend {
public:
    virtual ~NetBackend() = default; // the port is not called any more

    // Where frames go from now on; before the first send. The port outlives the backend.
    virtual void plug(NetPort& port) = 0;
    // A frame of the guest's, of any contents and no more than mtu() + net_header_most bytes; valid during
    // the call. May answer by receive() at once; received() is the caller's then.
    virtual void send(std::span<std::byte const> frame) = 0;
    // The largest packet in a frame; constant.
    virtual std::uint16_t mtu() const = 0;
};

constexpr std::size_t ethernet_header_bytes = 14;
constexpr std::size_t net_header_most = ethernet_header_bytes + 4; // with a VLAN tag

} // namespace coop
