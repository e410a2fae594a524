// SPDX-License-Identifier: GPL-2.0-only
// Control socket as a Unix stream socket.
#include "os/control_socket.hpp"

#include "failure.hpp"

#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace coop::ctl {

namespace {

namespace asio = boost::asio;
using Protocol = asio::local::stream_protocol;

class Acceptor : public std::enable_shared_from_this<Acceptor> {
public:
    explicit Acceptor(asio::io_context& io) : acceptor_(io), pause_(io) {}

    void open(std::filesystem::path const& path) {
        Protocol::endpoint const endpoint(path.string());
        acceptor_.open(endpoint.protocol());
        auto const mask = umask(0177); // root only from the first moment on
        boost::system::error_code error;
        acceptor_.bind(endpoint, error);
        umask(mask);
        if (error) {
            throw boost::system::system_error(error);
        }
        acceptor_.listen();
    }

    void start(std::function<void(ControlStream)> handler) {
        handler_ = std::move(handler);
        next();
    }

    void stop() noexcept {
        handler_ = nullptr;
        boost::system::error_code ignored;
        acceptor_.close(ignored);
        pause_.cancel(ignored);
    }

private:
    void next() {
        acceptor_.async_accept(
            [self = shared_from_this()](boost::system::error_code error, ControlStream stream) {
                if (!self->handler_) {
                    return;
                }
                if (error) { // out of descriptors, most likely: do not spin
                    self->pause_.expires_after(std::chrono::milliseconds(200));
                    self->pause_.async_wait([self](boost::system::error_code) {
                        if (self->handler_) {
                            self->next();
                        }
                    });
                    return;
                }
                self->handler_(std::move(stream));
                self->next();
            });
    }

    Protocol::acceptor acceptor_;
    asio::steady_timer pause_;
    std::function<void(ControlStream)> handler_;
};

class UnixListener : public ControlListener {
public:
    UnixListener(std::shared_ptr<Acceptor> acceptor, std::filesystem::path path)
        : acceptor_(std::move(acceptor)), path_(std::move(path)) {}
    ~UnixListener() override {
        unlink(path_.c_str());
        acceptor_->stop();
    }
    UnixListener(UnixListener const&) = delete;
    UnixListener& operator=(UnixListener const&) = delete;

    void accept(std::function<void(ControlStream)> handler) override { acceptor_->start(std::move(handler)); }

private:
    std::shared_ptr<Acceptor> acceptor_;
    std::filesystem::path path_;
};

} // namespace

std::unique_ptr<ControlListener> ControlListener::create(asio::io_context& io,
                                                         std::filesystem::path const& path) {
    unlink(path.c_str());
    try {
        auto acceptor = std::make_shared<Acceptor>(io);
        acceptor->open(path);
        return std::make_unique<UnixListener>(std::move(acceptor), path);
    } catch (boost::system::system_error const& error) {
        throw Failure(ExitCode::failure,
                      fmt::format("cannot listen on {}: {}", path.string(), error.code().message()));
    }
}

ControlStream connect_control(asio::io_context& io, std::filesystem::path const& path) {
    try {
        ControlStream stream(io);
        stream.connect(Protocol::endpoint(path.string()));
        return stream;
    } catch (boost::system::system_error const& error) {
        throw Failure(ExitCode::no_guest,
                      fmt::format("cannot reach {}: {}", path.string(), error.code().message()));
    }
}

} // namespace coop::ctl
