// SPDX-License-Identifier: GPL-2.0-only
// A guest on a network, as small as can be: ARP, UDP and one TCP connection, over a wire that loses nothing.
#pragma once

#include "devices/net_backend.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace coop::ctl {

class SmallStack final : public NetPort {
public:
    static constexpr std::uint32_t own = 0x0a00020f;    // 10.0.2.15
    static constexpr std::uint32_t router = 0x0a000202; // 10.0.2.2

    struct Datagram {
        std::uint32_t from;
        std::uint16_t from_port;
        std::uint16_t to_port;
        std::string payload;
    };

    // Plugs itself in; network must outlive it.
    explicit SmallStack(NetBackend& network);

    void receive(std::span<std::byte const> frame) override;
    void received() override { ++batches; }
    // Sends what it has to say: like a real guest it says nothing while it is given a frame.
    void flush();

    void send_udp(std::uint32_t to, std::uint16_t from_port, std::uint16_t to_port, std::string_view payload,
                  std::uint32_t from = own);
    void connect(std::uint32_t to, std::uint16_t port); // from port 40000; a peer may connect to any port
    void send(std::string_view text);
    void close();

    std::vector<Datagram> datagrams;
    std::string text; // by TCP
    bool connected = false;
    bool closed = false; // by the peer
    std::uint16_t own_port = 0;
    unsigned batches = 0;

private:
    void send_arp_reply(std::string_view request);
    void send_ip(std::uint32_t from, std::uint32_t to, std::uint8_t protocol, std::string const& payload);
    void send_segment(std::uint8_t flags, std::string_view payload = {});
    void receive_segment(std::uint32_t from, std::string_view segment);

    NetBackend& network_;
    std::vector<std::string> waiting_;
    std::uint32_t peer_ = 0;
    std::uint16_t peer_port_ = 0;
    std::uint32_t next_ = 1000; // the next byte to send …
    std::uint32_t wanted_ = 0;  // … and to receive
};

} // namespace coop::ctl
