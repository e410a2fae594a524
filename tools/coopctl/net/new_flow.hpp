// SPDX-License-Identifier: GPL-2.0-only
// Which frames can make a translator open a socket.
#pragma once

#include <cstddef>
#include <span>

namespace coop::ctl {

// An Ethernet frame of any contents. false: ARP, or TCP that is not the beginning of a connection. true: all
// else, fragments and protocols that are not known here among it.
bool may_open_flow(std::span<std::byte const> frame);

} // namespace coop::ctl
