// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace coop::ctl {

// An address as four numbers with dots, none with zeros in front; host byte order. Not by a library: Boost's
// asks winsock, which takes 1.2.3 for 1.2.0.3, and on ReactOS takes nothing until a network is set up.
std::optional<std::uint32_t> parse_ipv4(std::string_view text);

} // namespace coop::ctl
