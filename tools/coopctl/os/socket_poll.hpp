// SPDX-License-Identifier: GPL-2.0-only
// Readiness of sockets that a library opens and closes by itself, told on the event loop.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <vector>

namespace coop::ctl {

class SocketPoll {
public:
    // As poll's: a level, not an edge. Errors and a hung-up peer are told unasked.
    enum Event : unsigned { in = 1, out = 2, urgent = 4, error = 8, hang_up = 16 };
    struct Socket {
        int socket;
        unsigned wanted; // 0: it is not looked at, and no error of it is told
    };

    virtual ~SocketPoll() = default; // the handler is not called any more
    // Calls the handler once, on io's thread, when one of these is ready. They replace those of the last
    // call.
    virtual void watch(std::vector<Socket> const& sockets) = 0;
    // What is ready now, for each socket watched last, in that order.
    virtual std::vector<unsigned> look() = 0;
    // The socket is about to be closed. Harmless for one that is not watched.
    virtual void forget(int socket) = 0;

    // Throws Failure.
    static std::unique_ptr<SocketPoll> create(boost::asio::io_context& io, std::function<void()> handler);
};

} // namespace coop::ctl
