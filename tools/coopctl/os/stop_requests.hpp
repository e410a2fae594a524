// SPDX-License-Identifier: GPL-2.0-only
// Wishes from outside that this process end: signals on Linux; on NT console events and the end of the
// session.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>

namespace coop::ctl {

class StopRequests {
public:
    // The handler is not called any more. On NT the end of the session waits for this.
    virtual ~StopRequests() = default;
    // Calls handler on io's thread for each request from now on.
    static std::unique_ptr<StopRequests> listen(boost::asio::io_context& io, std::function<void()> handler);
};

} // namespace coop::ctl
