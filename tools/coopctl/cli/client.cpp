// SPDX-License-Identifier: GPL-2.0-only
// Requests, replies and time limits.
#include "cli/client.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace coop::ctl {

namespace {

ControlStream connect(boost::asio::io_context& io, RuntimeDir const& directory, std::string const& name) {
    directory.check_readable();
    auto const entry = directory.find(name);
    if (!entry || !entry->process) {
        throw not_running(directory, name);
    }
    // A process that has just taken its name does not listen yet.
    for (int attempt = 0;; ++attempt) {
        try {
            return connect_control(io, directory.socket(name));
        } catch (Failure const& failure) {
            if (attempt == 0) {
                boost::asio::steady_timer timer(io, std::chrono::milliseconds(500));
                timer.wait();
                continue;
            }
            if (auto const again = directory.find(name); !again || !again->process) {
                throw not_running(directory, name); // it has just ended
            }
            if (directory.without_socket(name)) {
                throw Failure(ExitCode::failure,
                              fmt::format("guest '{}' (process {}) is just starting", name, *entry->process),
                              "try again in a moment; `coopctl list` shows its state");
            }
            throw Failure(ExitCode::failure,
                          fmt::format("guest '{}' (process {}) does not answer: {}", name, *entry->process,
                                      failure.what()),
                          "it may still be starting, or ending; try again");
        }
    }
}

Failure failure_from(nlohmann::json const& error) {
    return {static_cast<ExitCode>(error.value("code", 1)), error.value("message", "refused"),
            error.value("advice", "")};
}

} // namespace

Failure not_running(RuntimeDir const& directory, std::string const& name) {
    auto const entry = directory.find(name);
    if (entry && entry->last) {
        return {ExitCode::no_guest, fmt::format("guest '{}' does not run: {}", name, entry->last->text),
                fmt::format("`coopctl status {0}` and `coopctl logs {0}` say more", name)};
    }
    return {ExitCode::no_guest, fmt::format("there is no guest named '{}'", name),
            "`coopctl list` shows what runs"};
}

Client::Client(RuntimeDir const& directory, std::string const& name)
    : stream_(connect(io_, directory, name)), name_(name) {
    auto const hello = receive(answer_time);
    if (hello.value("type", "") == "error") { // it takes no more clients
        throw failure_from(hello);
    }
    check_protocol(hello);
    send(HelloRequest{protocol_version});
}

void Client::send(Request const& request) {
    boost::system::error_code error;
    boost::asio::write(stream_, boost::asio::buffer(encode_request(request)), error);
    // A failure shows, with more to say, when the answer is read.
}

void Client::enqueue(Request const& request, std::function<void()> done) {
    outgoing_.push_back({encode_request(request), std::move(done)});
    if (outgoing_.size() == 1) {
        write();
    }
}

void Client::write() {
    boost::asio::async_write(stream_, boost::asio::buffer(outgoing_.front().line),
                             [this](boost::system::error_code error, std::size_t) {
                                 if (error) {
                                     return; // reading tells
                                 }
                                 auto const done = std::move(outgoing_.front().done);
                                 outgoing_.pop_front();
                                 if (!outgoing_.empty()) {
                                     write();
                                 }
                                 done();
                             });
}

std::optional<nlohmann::json> Client::buffered() {
    auto const line = lines_.next();
    return line ? std::optional(decode_object(*line)) : std::nullopt;
}

nlohmann::json Client::receive(std::optional<Milliseconds> time) {
    auto const until = std::chrono::steady_clock::now() + time.value_or(Milliseconds{0});
    for (;;) {
        if (auto message = buffered()) {
            return *message;
        }
        boost::system::error_code result = boost::asio::error::would_block;
        stream_.async_read_some(boost::asio::buffer(buffer_),
                                [&](boost::system::error_code error, std::size_t count) {
                                    result = error;
                                    if (!error) {
                                        lines_.append({buffer_.data(), count});
                                    }
                                });
        // One by one: others may wait on io too, and must not make this wait for them.
        auto const pending = [&] { return result == boost::asio::error::would_block; };
        io_.restart();
        while (pending() && (time ? io_.run_one_until(until) : io_.run_one()) != 0) {
        }
        if (pending()) {
            boost::system::error_code ignored;
            stream_.cancel(ignored);
            io_.restart();
            while (pending()) { // its handler refers to this frame
                io_.run_one();
            }
            throw Failure(ExitCode::failure, fmt::format("guest '{}' does not answer", name_),
                          "its process may be stopped; `coopctl status` shows its number");
        }
        if (result) {
            throw Failure(ExitCode::guest_failed, fmt::format("the process of guest '{}' is gone", name_),
                          fmt::format("`coopctl logs {}` may say why", name_));
        }
    }
}

nlohmann::json Client::request(Request const& request) {
    send(request);
    for (;;) {
        auto const message = receive(answer_time);
        auto const type = message.value("type", "");
        if (type == "reply") {
            return message.value("data", nlohmann::json());
        }
        if (type == "error") {
            throw failure_from(message);
        }
        if (type == "end") {
            throw Failure(ExitCode::no_guest, fmt::format("guest '{}' has just ended", name_));
        }
    }
}

EndResult Client::wait_for_end() {
    for (;;) {
        auto const message = receive(std::nullopt);
        if (message.value("type", "") == "end") {
            return end_from_json(message.at("result"));
        }
    }
}

void Client::receive_all(std::function<bool(nlohmann::json const&)> handler, std::function<void()> closed) {
    while (auto const message = buffered()) {
        if (!handler(*message)) {
            return;
        }
    }
    stream_.async_read_some(boost::asio::buffer(buffer_),
                            [this, handler = std::move(handler), closed = std::move(closed)](
                                boost::system::error_code error, std::size_t count) mutable {
                                if (error) {
                                    closed();
                                    return;
                                }
                                lines_.append({buffer_.data(), count});
                                receive_all(std::move(handler), std::move(closed));
                            });
}

} // namespace coop::ctl
