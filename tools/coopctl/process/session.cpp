// SPDX-License-Identifier: GPL-2.0-only
// Requests in, replies and streams out.
#include "process/session.hpp"

#include "os/process.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <nlohmann/json.hpp>

namespace coop::ctl {

namespace {

constexpr std::size_t chunk_most = std::size_t{24} << 10; // so that its base64 form fits a line

std::string_view characters(std::span<std::byte const> data) {
    return {reinterpret_cast<char const*>(data.data()), data.size()};
}

} // namespace

Session::Session(ControlStream stream, ControlTarget& target, std::function<void(Session&)> closed)
    : stream_(std::move(stream)), target_(&target), closed_(std::move(closed)) {}

Session::~Session() {
    close();
}

void Session::start() {
    send(hello_message(target_->name(), own_process_id()));
    read();
}

void Session::close() {
    if (std::exchange(is_closed_, true)) {
        return;
    }
    target_->console().detach(*this);
    target_->log().detach(*this);
    boost::system::error_code ignored;
    stream_.close(ignored);
    if (auto const closed = std::move(closed_)) {
        closed(*this);
    }
}

void Session::read() {
    if (reading_ || closing_ || is_closed_ || !held_input_.empty()) {
        return; // a client that types faster than the guest reads is not read until the guest does
    }
    reading_ = true;
    stream_.async_read_some(boost::asio::buffer(buffer_),
                            [self = shared_from_this()](boost::system::error_code error, std::size_t count) {
                                self->reading_ = false;
                                if (error || self->is_closed_) {
                                    self->close();
                                    return;
                                }
                                try {
                                    self->lines_.append({self->buffer_.data(), count});
                                    while (auto const line = self->lines_.next()) {
                                        if (!self->closing_ && !self->is_closed_) {
                                            self->on_line(*line);
                                        }
                                    }
                                } catch (Failure const& failure) {
                                    self->fail(failure);
                                }
                                self->read();
                            });
}

void Session::on_line(std::string const& line) {
    auto const request = decode_request(line);
    if (!greeted_) {
        auto const* hello = std::get_if<HelloRequest>(&request);
        if (hello == nullptr) {
            throw ProtocolError("the first message must be a hello");
        }
        check_protocol(hello->protocol);
        greeted_ = true;
        return;
    }
    try {
        handle(request);
    } catch (ProtocolError const&) {
        throw;
    } catch (Failure const& failure) {
        send(error_message(failure)); // the request failed; the session goes on
    }
}

void Session::handle(Request const& request) {
    if (std::holds_alternative<StatusRequest>(request)) {
        send(reply_message(target_->status()));
    } else if (std::holds_alternative<StatsRequest>(request)) {
        send(reply_message(target_->stats()));
    } else if (auto const* stop = std::get_if<StopRequest>(&request)) {
        target_->stop(stop->timeout);
        send(reply_message(nullptr));
    } else if (std::holds_alternative<KillRequest>(request)) {
        target_->kill();
        send(reply_message(nullptr));
    } else if (std::holds_alternative<ConsoleRequest>(request)) {
        send(reply_message(nullptr));
        target_->console().attach(*this);
    } else if (std::holds_alternative<LogsRequest>(request)) {
        send(reply_message(nullptr));
        target_->log().attach(*this);
    } else if (auto const* input = std::get_if<InputRequest>(&request)) {
        held_input_ += input->data;
        flush_input();
    } else if (auto const* size = std::get_if<ResizeRequest>(&request)) {
        target_->resize(size->columns, size->rows);
    } else {
        throw ProtocolError("a second hello");
    }
}

void Session::flush_input() {
    if (held_input_.empty() || is_closed_) {
        return;
    }
    held_input_.erase(0, target_->input(held_input_));
    read();
}

void Session::output(std::span<std::byte const> data) {
    while (!data.empty()) {
        auto const part = data.first(std::min(data.size(), chunk_most));
        data = data.subspan(part.size());
        send_droppable(encode(output_message(characters(part))), part.size());
    }
}

void Session::send_droppable(std::string const& line, std::size_t bytes) {
    if (dropped_ != 0 || queued_ + line.size() > output_most) {
        dropped_ += bytes; // and all that follows, until the queue is empty and the gap has been announced
        return;
    }
    queued_ += line.size();
    queue_.push_back(line);
    write();
}

void Session::send(nlohmann::json const& message) {
    if (closing_ || is_closed_) {
        return;
    }
    auto line = encode(message);
    queued_ += line.size();
    if (queued_ > 2 * output_most) { // asks and asks, and never reads the answers
        close();
        return;
    }
    queue_.push_back(std::move(line));
    write();
}

void Session::write() {
    if (writing_ || is_closed_) {
        return;
    }
    if (queue_.empty() && dropped_ != 0) {
        auto line = encode(dropped_message(std::exchange(dropped_, 0)));
        queued_ += line.size();
        queue_.push_back(std::move(line));
    }
    if (queue_.empty()) {
        if (closing_) {
            close();
        }
        return;
    }
    writing_ = true;
    boost::asio::async_write(stream_, boost::asio::buffer(queue_.front()),
                             [self = shared_from_this()](boost::system::error_code error, std::size_t) {
                                 self->writing_ = false;
                                 if (error || self->is_closed_) {
                                     self->close();
                                     return;
                                 }
                                 self->queued_ -= self->queue_.front().size();
                                 self->queue_.pop_front();
                                 self->write();
                             });
}

void Session::fail(Failure const& failure) {
    send(error_message(failure));
    closing_ = true;
    write();
}

void Session::finish(nlohmann::json const& result) {
    if (dropped_ != 0) { // the end is the last message
        send(dropped_message(std::exchange(dropped_, 0)));
    }
    send(end_message(result));
    closing_ = true;
    write();
}

} // namespace coop::ctl
