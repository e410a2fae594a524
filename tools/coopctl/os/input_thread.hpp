// SPDX-License-Identifier: GPL-2.0-only
// A thread that reads standard input when asked to: no system lets asio wait for all that this may be.
#pragma once

#include <boost/asio/io_context.hpp>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace coop::ctl {

class InputThread {
public:
    // read waits for one piece of input, on the thread; an empty one is the end.
    InputThread(boost::asio::io_context& io, std::function<std::string()> read);
    ~InputThread() { stop(); }
    InputThread(InputThread const&) = delete;
    InputThread& operator=(InputThread const&) = delete;

    // handler gets the next piece, on io's thread.
    void request(std::function<void(std::string_view)> handler);
    // Waits for the thread's end: whoever calls this has made read return.
    void stop();

private:
    void run();
    bool wait_for_request();

    boost::asio::io_context& io_;
    std::function<std::string()> read_;
    std::function<void(std::string_view)> handler_; // io's thread
    std::mutex mutex_;                              // guards what follows
    std::condition_variable changed_;
    bool requested_ = false;
    bool stopping_ = false;
    std::thread thread_; // last: it uses all above
};

} // namespace coop::ctl
