// SPDX-License-Identifier: GPL-2.0-only
// A network of the guest's own behind this process's sockets, by libslirp: DHCP, DNS and translated IPv4,
// without rights or set-up on the host. The guest is 10.0.2.15, its router, which stands for the
// host, 10.0.2.2, its name server 10.0.2.3.
#pragma once

#include "devices/net_backend.hpp"
#include "spec/net_spec.hpp"

#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <memory>

namespace coop::ctl {

// Everything on io's thread. Throws Failure: a forward's port on the host cannot be had.
// flows_most: so many connections, pings and UDP ports may be in use at once, each of which takes a
// descriptor; what would begin another is dropped until one ends.
std::unique_ptr<NetBackend> make_user_network(boost::asio::io_context& io, NetSpec const& spec,
                                              std::size_t flows_most);

} // namespace coop::ctl
