// SPDX-License-Identifier: GPL-2.0-only
// The control socket's transport: a local byte stream for administrators only. A Unix socket; a named pipe on
// NT.
#pragma once

#include <boost/asio/io_context.hpp>
#ifdef _WIN32
#include <boost/asio/windows/stream_handle.hpp>
#else
#include <boost/asio/local/stream_protocol.hpp>
#endif
#include <filesystem>
#include <functional>
#include <memory>

namespace coop::ctl {

// Anything with Asio's AsyncStream interface, cancel() and close().
#ifdef _WIN32
using ControlStream = boost::asio::windows::stream_handle;
#else
using ControlStream = boost::asio::local::stream_protocol::socket;
#endif

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
