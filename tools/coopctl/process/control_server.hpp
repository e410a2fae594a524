// SPDX-License-Identifier: GPL-2.0-only
// All clients of a guest's control socket.
#pragma once

#include "os/control_socket.hpp"
#include "process/control_target.hpp"
#include "process/session.hpp"

#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <vector>

namespace coop::ctl {

class ControlServer {
public:
    static constexpr std::size_t sessions_most = 64;

    ControlServer(boost::asio::io_context& io, std::unique_ptr<ControlListener> listener,
                  ControlTarget& target);
    ~ControlServer();
    ControlServer(ControlServer const&) = delete;
    ControlServer& operator=(ControlServer const&) = delete;

    // The guest takes input again.
    void flush_input();
    // Takes no more clients, and removes the socket.
    void stop_listening();
    // Tells the clients how the guest ended; done once they know, or after two seconds. Stop listening first.
    void finish(nlohmann::json const& result, std::function<void()> done);

private:
    void accept(ControlStream stream);
    void remove(Session& session);

    ControlTarget& target_;
    boost::asio::steady_timer timer_;
    std::unique_ptr<ControlListener> listener_;
    std::vector<std::shared_ptr<Session>> sessions_;
    std::function<void()> done_;
};

} // namespace coop::ctl
