// SPDX-License-Identifier: GPL-2.0-only
// Accepting, finding and dismissing clients.
#include "process/control_server.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace coop::ctl {

ControlServer::ControlServer(boost::asio::io_context& io, std::unique_ptr<ControlListener> listener,
                             ControlTarget& target)
    : target_(target), timer_(io), listener_(std::move(listener)) {
    listener_->accept([this](ControlStream stream) { accept(std::move(stream)); });
}

ControlServer::~ControlServer() {
    done_ = nullptr;
    for (auto const& session : std::exchange(sessions_, {})) {
        session->close();
    }
}

void ControlServer::accept(ControlStream stream) {
    if (sessions_.size() >= sessions_most) {
        // One line always fits a new connection; then the stream closes.
        boost::system::error_code ignored;
        boost::asio::write(
            stream,
            boost::asio::buffer(encode(error_message(
                Failure(ExitCode::failure,
                        fmt::format("guest '{}' has {} clients already", target_.name(), sessions_most),
                        "detach one of its consoles or logs")))),
            ignored);
        return;
    }
    auto const session =
        std::make_shared<Session>(std::move(stream), target_, [this](Session& closed) { remove(closed); });
    sessions_.push_back(session);
    session->start();
}

void ControlServer::remove(Session& session) {
    std::erase_if(sessions_, [&](auto const& each) { return each.get() == &session; });
    if (sessions_.empty() && done_) {
        timer_.cancel();
        std::exchange(done_, nullptr)();
    }
}

void ControlServer::flush_input() {
    for (auto const& session : std::vector(sessions_)) {
        session->flush_input();
    }
}

void ControlServer::stop_listening() {
    listener_.reset();
}

void ControlServer::finish(nlohmann::json const& result, std::function<void()> done) {
    if (sessions_.empty()) {
        boost::asio::post(timer_.get_executor(), std::move(done));
        return;
    }
    done_ = std::move(done);
    timer_.expires_after(std::chrono::seconds(2));
    timer_.async_wait([this](boost::system::error_code error) {
        if (!error && done_) {
            std::exchange(done_, nullptr)();
        }
    });
    for (auto const& session : std::vector(sessions_)) {
        session->finish(result);
    }
}

} // namespace coop::ctl
