// SPDX-License-Identifier: GPL-2.0-only
// One piece for one request.
#include "os/input_thread.hpp"

#include "os/process.hpp"

#include <boost/asio/post.hpp>
#include <utility>

namespace coop::ctl {

InputThread::InputThread(boost::asio::io_context& io, std::function<std::string()> read)
    : io_(io), read_(std::move(read)), thread_([this] { run(); }) {}

void InputThread::request(std::function<void(std::string_view)> handler) {
    handler_ = std::move(handler);
    std::lock_guard const lock(mutex_);
    requested_ = true;
    changed_.notify_one();
}

void InputThread::stop() {
    {
        std::lock_guard const lock(mutex_);
        stopping_ = true;
        changed_.notify_one();
    }
    if (thread_.joinable()) {
        thread_.join();
    }
}

void InputThread::run() {
    block_signals_on_this_thread();
    while (wait_for_request()) {
        boost::asio::post(io_, [this, text = read_()] {
            if (auto const handler = std::exchange(handler_, nullptr)) {
                handler(text);
            }
        });
    }
}

// False: it is to end.
bool InputThread::wait_for_request() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return requested_ || stopping_; });
    return std::exchange(requested_, false) && !stopping_;
}

} // namespace coop::ctl
