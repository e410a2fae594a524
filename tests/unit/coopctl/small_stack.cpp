// SPDX-License-Identifier: GPL-2.0-only
// The small stack. Numbers are big endian on the wire.
#include "small_stack.hpp"

#include <utility>

namespace coop::ctl {

namespace {

constexpr std::string_view mac("\x52\x54\0\0\0\x0f", 6);
constexpr std::string_view broadcast("\xff\xff\xff\xff\xff\xff", 6);
constexpr unsigned arp = 0x0806, ipv4 = 0x0800;
constexpr std::uint8_t tcp = 6, udp = 17;
constexpr std::uint8_t fin = 1, syn = 2, rst = 4, ack = 16;

std::string be(std::uint64_t value, unsigned bytes) {
    std::string text;
    while (bytes-- > 0) {
        text += static_cast<char>(value >> 8 * bytes & 0xff);
    }
    return text;
}

std::uint32_t get(std::string_view text, std::size_t at, unsigned bytes) {
    std::uint32_t value = 0;
    for (unsigned i = 0; i < bytes; ++i) {
        value = value << 8 | static_cast<unsigned char>(text.at(at + i));
    }
    return value;
}

std::string checksum(std::string text) {
    text.resize((text.size() + 1) / 2 * 2);
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < text.size(); i += 2) {
        sum += get(text, i, 2);
    }
    sum = (sum & 0xffff) + (sum >> 16);
    return be(~(sum + (sum >> 16)) & 0xffff, 2);
}

} // namespace

SmallStack::SmallStack(NetBackend& network) : network_(network) {
    network.plug(*this);
}

void SmallStack::flush() {
    for (auto const& frame : std::exchange(waiting_, {})) {
        network_.send(std::as_bytes(std::span(frame)));
    }
}

void SmallStack::receive(std::span<std::byte const> frame) {
    std::string_view const text(reinterpret_cast<char const*>(frame.data()), frame.size());
    auto const type = get(text, 12, 2);
    if (type == arp && get(text, 20, 2) == 1 && get(text, 38, 4) == own) {
        send_arp_reply(text);
    }
    if (type != ipv4) {
        return;
    }
    auto const packet = text.substr(14, get(text, 16, 2));
    auto const payload = packet.substr((get(packet, 0, 1) & 0xf) * std::size_t{4});
    auto const from = get(packet, 12, 4);
    if (get(packet, 9, 1) == udp) {
        datagrams.push_back({from, static_cast<std::uint16_t>(get(payload, 0, 2)),
                             static_cast<std::uint16_t>(get(payload, 2, 2)), std::string(payload.substr(8))});
    } else if (get(packet, 9, 1) == tcp) {
        receive_segment(from, payload);
    }
}

void SmallStack::send_arp_reply(std::string_view request) {
    std::string frame(request.substr(6, 6));
    frame += mac;
    frame += be(arp, 2) + be(1, 2) + be(ipv4, 2) + be(6, 1) + be(4, 1) + be(2, 2);
    frame += mac;
    frame += be(own, 4);
    frame += request.substr(22, 10);
    waiting_.push_back(std::move(frame));
}

void SmallStack::send_ip(std::uint32_t from, std::uint32_t to, std::uint8_t protocol,
                         std::string const& payload) {
    auto const head = be(0x4500, 2) + be(20 + payload.size(), 2) + be(0, 4) + be(64, 1) + be(protocol, 1);
    auto const addresses = be(from, 4) + be(to, 4);
    std::string frame(broadcast);
    frame += mac;
    frame += be(ipv4, 2) + head + checksum(head + be(0, 2) + addresses) + addresses + payload;
    waiting_.push_back(std::move(frame));
}

void SmallStack::send_udp(std::uint32_t to, std::uint16_t from_port, std::uint16_t to_port,
                          std::string_view payload, std::uint32_t from) {
    auto datagram = be(from_port, 2) + be(to_port, 2) + be(8 + payload.size(), 2) + be(0, 2);
    datagram += payload;
    send_ip(from, to, udp, datagram);
}

void SmallStack::connect(std::uint32_t to, std::uint16_t port) {
    peer_ = to;
    peer_port_ = port;
    own_port = 40000;
    send_segment(syn);
}

void SmallStack::send(std::string_view what) {
    send_segment(ack, what);
}

void SmallStack::close() {
    send_segment(fin | ack);
}

void SmallStack::send_segment(std::uint8_t flags, std::string_view payload) {
    constexpr std::uint16_t window = 65535;
    auto const head = be(own_port, 2) + be(peer_port_, 2) + be(next_, 4) + be(wanted_, 4) + be(0x50, 1) +
                      be(flags, 1) + be(window, 2);
    auto const size = 20 + payload.size();
    std::string whole = be(own, 4) + be(peer_, 4) + be(tcp, 2) + be(size, 2) + head + be(0, 4);
    whole += payload;
    auto segment = head + checksum(whole) + be(0, 2);
    segment += payload;
    next_ += static_cast<std::uint32_t>(payload.size()) + ((flags & (syn | fin)) != 0 ? 1 : 0);
    send_ip(own, peer_, tcp, segment);
}

void SmallStack::receive_segment(std::uint32_t from, std::string_view segment) {
    auto const flags = get(segment, 13, 1);
    auto const sequence = get(segment, 4, 4);
    auto const payload = segment.substr((get(segment, 12, 1) >> 4) * std::size_t{4});
    if ((flags & rst) != 0) {
        closed = true;
    } else if ((flags & syn) != 0) {
        bool const answer = (flags & ack) != 0;
        peer_ = from;
        peer_port_ = static_cast<std::uint16_t>(get(segment, 0, 2));
        own_port = static_cast<std::uint16_t>(get(segment, 2, 2));
        wanted_ = sequence + 1;
        connected = true;
        send_segment(answer ? ack : syn | ack);
    } else if (sequence == wanted_ && (!payload.empty() || (flags & fin) != 0)) {
        text += payload;
        closed = (flags & fin) != 0;
        wanted_ += static_cast<std::uint32_t>(payload.size()) + (closed ? 1 : 0);
        send_segment(ack);
    }
}

} // namespace coop::ctl
