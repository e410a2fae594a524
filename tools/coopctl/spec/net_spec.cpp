// SPDX-License-Identifier: GPL-2.0-only
// Network interfaces: parsing, checks, defaults and hand-over form.
#include "spec/net_spec.hpp"

#include "failure.hpp"
#include "spec/ipv4.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace coop::ctl {

namespace {

constexpr char const* net_form =
    "user[,mac=MAC][,forward=PROTO:[ADDRESS:]PORT[-GUEST-PORT]][,restrict][,link=down]";
constexpr char const* forward_form =
    "write PROTO:[ADDRESS:]PORT[-GUEST-PORT], for instance tcp:127.0.0.1:2222-22";
constexpr char const* any_address = "0.0.0.0";

[[noreturn]] void usage(std::string const& what, std::string advice) {
    throw Failure(ExitCode::usage, what, std::move(advice));
}

// What is shown of a user's text: a terminal must not act on it.
std::string shown(std::string_view text) {
    std::string copy(text.substr(0, 80));
    std::replace_if(
        copy.begin(), copy.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
    return copy;
}

std::uint16_t parse_port(std::string_view text, std::string const& forward) {
    std::uint16_t port = 0;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc{} || end != text.data() + text.size() || port == 0) {
        usage(fmt::format("bad forward '{}': '{}' is not a port", shown(forward), shown(text)),
              fmt::format("a port is a number from 1 to 65535; {}", forward_form));
    }
    return port;
}

// The same for the same guest, so that the guest knows its card again: 52:54:00 and three bytes of a hash
// (FNV-1a).
std::string default_mac(std::string_view guest, std::size_t number) {
    std::uint32_t hash = 2166136261;
    for (char const c : fmt::format("{}/{}", guest, number)) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 16777619;
    }
    return fmt::format("52:54:00:{:02x}:{:02x}:{:02x}", hash >> 16 & 0xff, hash >> 8 & 0xff, hash & 0xff);
}

bool clash(PortForward const& a, PortForward const& b) {
    return a.protocol == b.protocol && a.start == b.start &&
           (a.address == b.address || a.address == any_address || b.address == any_address);
}

void check_forwards(std::vector<NetSpec> const& nets) {
    std::vector<PortForward> seen;
    for (auto const& net : nets) {
        for (auto const& forward : net.forwards) {
            auto const other = std::find_if(seen.begin(), seen.end(),
                                            [&](PortForward const& each) { return clash(each, forward); });
            if (other != seen.end()) {
                usage(fmt::format("two forwards have the same port of the host: {} and {}", to_text(*other),
                                  to_text(forward)),
                      "give each a port of its own");
            }
            seen.push_back(forward);
        }
    }
}

} // namespace

std::array<std::uint8_t, 6> parse_mac(std::string const& text) {
    std::array<std::uint8_t, 6> mac{};
    bool good = text.size() == 17;
    for (std::size_t i = 0; good && i < mac.size(); ++i) {
        auto const* const octet = text.data() + 3 * i;
        auto const [end, error] = std::from_chars(octet, octet + 2, mac[i], 16);
        good = error == std::errc{} && end == octet + 2 && (i == 5 || *end == ':');
    }
    if (!good) {
        usage(fmt::format("bad MAC address '{}'", shown(text)),
              "write six bytes, for instance 52:54:00:12:34:56");
    }
    if ((mac[0] & 1) != 0 || mac == std::array<std::uint8_t, 6>{}) {
        usage(fmt::format("bad MAC address '{}': it is not one of a single card", text),
              "its first byte must be even, and not all bytes may be zero");
    }
    return mac;
}

bool parse_link(std::string const& text) {
    if (text != "up" && text != "down") {
        usage(fmt::format("bad link state '{}'", shown(text)), "a link is up or down");
    }
    return text == "up";
}

std::string check_net_type(std::string const& type) {
    if (type != "user") {
        usage(fmt::format("unknown type of network '{}'", shown(type)),
              fmt::format("write none, or {}", net_form));
    }
    return type;
}

PortForward parse_forward(std::string const& text) {
    auto const colon = text.find(':');
    PortForward forward;
    forward.protocol = text.substr(0, colon);
    if (colon == std::string::npos || (forward.protocol != "tcp" && forward.protocol != "udp")) {
        usage(fmt::format("bad forward '{}': it is neither tcp: nor udp:", shown(text)), forward_form);
    }
    auto ports = std::string_view(text).substr(colon + 1);
    forward.address = "127.0.0.1"; // who wants others to reach the guest must say so
    if (auto const second = ports.rfind(':'); second != std::string_view::npos) {
        forward.address = ports.substr(0, second);
        ports = ports.substr(second + 1);
        if (!parse_ipv4(forward.address)) {
            usage(fmt::format("bad forward '{}': '{}' is not an IPv4 address", shown(text),
                              shown(forward.address)),
                  forward_form);
        }
    }
    auto const dash = ports.find('-');
    forward.start = parse_port(ports.substr(0, dash), text);
    forward.to = dash == std::string_view::npos ? forward.start : parse_port(ports.substr(dash + 1), text);
    return forward;
}

NetSpec parse_net(std::string const& text) {
    NetSpec net;
    bool have_mac = false, have_restrict = false, have_link = false;
    auto once = [&](bool& seen, std::string_view key) {
        if (seen) {
            usage(fmt::format("bad network '{}': {} is given twice", shown(text), key),
                  fmt::format("write {}", net_form));
        }
        seen = true;
    };
    auto const comma = std::min(text.find(','), text.size());
    check_net_type(text.substr(0, comma));
    for (std::size_t at = comma + 1; at <= text.size();) {
        auto const end = std::min(text.find(',', at), text.size());
        auto const part = text.substr(at, end - at);
        at = end + 1;
        if (part.starts_with("mac=")) {
            once(have_mac, "mac");
            net.mac = part.substr(4);
            parse_mac(net.mac);
        } else if (part.starts_with("forward=")) {
            net.forwards.push_back(parse_forward(part.substr(8)));
        } else if (part == "restrict") {
            once(have_restrict, "restrict");
            net.restricted = true;
        } else if (part.starts_with("link=")) {
            once(have_link, "link");
            net.link_up = parse_link(part.substr(5));
        } else {
            usage(fmt::format("bad network '{}': '{}' is not understood", shown(text), shown(part)),
                  fmt::format("write {}", net_form));
        }
    }
    return net;
}

std::vector<NetSpec> parse_nets(std::vector<std::string> const& texts) {
    std::vector<NetSpec> nets;
    if (texts == std::vector<std::string>{"none"}) {
        return nets;
    }
    for (auto const& text : texts) {
        if (text == "none") {
            usage("bad network 'none': there are others beside it", "give none alone, or leave it out");
        }
        nets.push_back(parse_net(text));
    }
    return nets;
}

void complete_nets(std::vector<NetSpec>& nets, std::string_view guest) {
    std::vector<std::array<std::uint8_t, 6>> macs;
    for (std::size_t i = 0; i < nets.size(); ++i) {
        auto& net = nets[i];
        if (net.mac.empty()) {
            net.mac = default_mac(guest, i);
        }
        auto const mac = parse_mac(net.mac);
        if (std::find(macs.begin(), macs.end(), mac) != macs.end()) {
            usage(fmt::format("two networks have the MAC address {}", net.mac), "give each one of its own");
        }
        macs.push_back(mac);
    }
    check_forwards(nets);
}

std::string to_text(PortForward const& forward) {
    return fmt::format("{}:{}:{}-{}", forward.protocol, forward.address, forward.start, forward.to);
}

nlohmann::json to_json(NetSpec const& net) {
    auto forwards = nlohmann::json::array();
    for (auto const& forward : net.forwards) {
        forwards.push_back({{"proto", forward.protocol},
                            {"address", forward.address},
                            {"start", forward.start},
                            {"to", forward.to}});
    }
    return {{"type", "user"},
            {"mac", net.mac},
            {"portForward", forwards},
            {"restrict", net.restricted},
            {"link", net.link_up ? "up" : "down"}};
}

NetSpec net_from_json(nlohmann::json const& json) {
    NetSpec net;
    check_net_type(json.at("type").get<std::string>());
    net.mac = json.at("mac").get<std::string>();
    net.restricted = json.at("restrict").get<bool>();
    net.link_up = parse_link(json.at("link").get<std::string>());
    for (auto const& each : json.at("portForward")) {
        PortForward const forward{each.at("proto").get<std::string>(), each.at("address").get<std::string>(),
                                  each.at("start").get<std::uint16_t>(), each.at("to").get<std::uint16_t>()};
        net.forwards.push_back(parse_forward(to_text(forward))); // checked as a user's
    }
    return net;
}

} // namespace coop::ctl
