// SPDX-License-Identifier: GPL-2.0-only
// The signals that end a process by custom.
#include "os/stop_requests.hpp"

#include <boost/asio/signal_set.hpp>
#include <csignal>

namespace coop::ctl {

namespace {

class Signals : public StopRequests {
public:
    Signals(boost::asio::io_context& io, std::function<void()> handler)
        : signals_(io), handler_(std::move(handler)) {
        for (int const signal : {SIGTERM, SIGINT, SIGHUP, SIGQUIT}) {
            signals_.add(signal);
        }
        wait();
    }

private:
    void wait() {
        signals_.async_wait([this](boost::system::error_code error, int) {
            if (!error) {
                wait();
                handler_();
            }
        });
    }

    boost::asio::signal_set signals_;
    std::function<void()> handler_;
};

} // namespace

std::unique_ptr<StopRequests> StopRequests::listen(boost::asio::io_context& io,
                                                   std::function<void()> handler) {
    return std::make_unique<Signals>(io, std::move(handler));
}

} // namespace coop::ctl
