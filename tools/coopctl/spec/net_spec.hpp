// SPDX-License-Identifier: GPL-2.0-only
// A guest's network interfaces: what a user may say of them, checked. Words and their meaning are libvirt's.
#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace coop::ctl {

// Who connects to start at an address of the host gets to port `to` of the guest.
struct PortForward {
    std::string protocol; // "tcp" or "udp"
    std::string address;  // IPv4; "0.0.0.0": any of the host's
    std::uint16_t start = 0;
    std::uint16_t to = 0;

    bool operator==(PortForward const&) const = default;
};

// Of type "user", the only one.
struct NetSpec {
    std::string mac; // "52:54:00:12:34:56"; "": made from the guest's name
    std::vector<PortForward> forwards;
    bool restricted = false; // nothing of the guest's leaves for the host or beyond; forwards work
    bool link_up = true;

    bool operator==(NetSpec const&) const = default;
};

// Each throws Failure (usage).
// "user[,mac=MAC][,forward=PROTO:[ADDRESS:]PORT[-GUEST-PORT]]…[,restrict][,link=up|down]".
NetSpec parse_net(std::string const& text);
// What several such texts mean together: one "none" is no interface.
std::vector<NetSpec> parse_nets(std::vector<std::string> const& texts);
std::string check_net_type(std::string const& type);
PortForward parse_forward(std::string const& text);
bool parse_link(std::string const& text); // up?
std::array<std::uint8_t, 6> parse_mac(std::string const& text);
// MAC addresses where there are none, the same ones for the same guest; then what must differ does.
void complete_nets(std::vector<NetSpec>& nets, std::string_view guest);

std::string to_text(PortForward const& forward);
nlohmann::json to_json(NetSpec const& net);
NetSpec net_from_json(nlohmann::json const& json); // throws nlohmann's exceptions too

} // namespace coop::ctl
