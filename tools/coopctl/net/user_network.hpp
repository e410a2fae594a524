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

// Everything on io's thread. A guest has at most so many connections, pings and UDP ports in use at once, or
// its sockets would leave the process no descriptor for anything else; further ones are dropped until some
// end.
constexpr std::size_t user_network_flows_most = 512;

// Throws Failure: a forward's port on the host cannot be had.
std::unique_ptr<NetBackend> make_user_network(boost::asio::io_context& io, NetSpec const& spec);

} // namespace coop::ctl
