// SPDX-License-Identifier: GPL-2.0-only
// The control socket's transport: a local, root-only byte stream. A Unix socket here; a named pipe on NT.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <filesystem>
#include <functional>
#include <memory>

namespace coop::ctl {

// Anything with Asio's AsyncStream interface and close().
using ControlStream = boost::asio::local::stream_protocol::socket;

class ControlListener {
public:
    virtual ~ControlListener() = default; // removes the socket; accept's handler is not called any more
    // Calls handler for each client from now on.
    virtual void accept(std::function<void(ControlStream)> handler) = 0;

    // Replaces a stale socket: the caller holds the guest's lock. Throws Failure.
    static std::unique_ptr<ControlListener> create(boost::asio::io_context& io,
                                                   std::filesystem::path const& path);
};

// Throws Failure (no_guest) if nobody listens.
ControlStream connect_control(boost::asio::io_context& io, std::filesystem::path const& path);

} // namespace coop::ctl
