// SPDX-License-Identifier: GPL-2.0-only
// Reading just enough of Ethernet, IPv4 and TCP.
#include "net/new_flow.hpp"

#include "devices/net_backend.hpp"

namespace coop::ctl {

namespace {

constexpr unsigned type_ipv4 = 0x0800;
constexpr unsigned type_arp = 0x0806;
constexpr unsigned protocol_tcp = 6;
constexpr unsigned fragment_bits = 0x3fff; // more fragments, offset
constexpr unsigned tcp_syn = 0x02;
constexpr unsigned tcp_ack = 0x10;
constexpr std::size_t tcp_flags_at = 13;

// Big endian; the caller has checked the size.
unsigned get8(std::span<std::byte const> bytes, std::size_t at) {
    return std::to_integer<unsigned>(bytes[at]);
}
unsigned get16(std::span<std::byte const> bytes, std::size_t at) {
    return get8(bytes, at) << 8 | get8(bytes, at + 1);
}

} // namespace

bool may_open_flow(std::span<std::byte const> frame) {
    constexpr std::size_t ip_least = 20;
    if (frame.size() < ethernet_header_bytes) {
        return true;
    }
    auto const type = get16(frame, ethernet_header_bytes - 2);
    auto const packet = frame.subspan(ethernet_header_bytes);
    if (type != type_ipv4 || packet.size() < ip_least) {
        return type != type_arp;
    }
    std::size_t const header = std::size_t{4} * (get8(packet, 0) & 0xf);
    auto const protocol = get8(packet, 9);
    if ((get16(packet, 6) & fragment_bits) != 0 || header < ip_least ||
        packet.size() < header + tcp_flags_at + 1) {
        return true;
    }
    auto const flags = get8(packet, header + tcp_flags_at);
    return protocol != protocol_tcp || (flags & (tcp_syn | tcp_ack)) == tcp_syn;
}

} // namespace coop::ctl
