// SPDX-License-Identifier: GPL-2.0-only
// Console events, and the end of the session, of which a process without a console learns by a window.
#include "os/stop_requests.hpp"

#include "os/windows/session_end.hpp"
#include "os/windows/text.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <mutex>
#include <vector>

namespace coop::ctl {

namespace {

// Outlives the StopRequests for as long as an event's thread waits for it.
struct Listener {
    Listener(boost::asio::io_context& context, std::function<void()> function)
        : io(&context), handler(std::move(function)), gone(CreateEventW(nullptr, TRUE, FALSE, nullptr)) {}

    boost::asio::io_context* io; // valid while the listener is in the list
    std::function<void()> handler;
    Handle gone;
};

std::mutex mutex;                                 // guards what follows
std::vector<std::shared_ptr<Listener>> listeners; // of the whole process: so are its events

void tell(std::shared_ptr<Listener> const& listener) {
    std::lock_guard const guard(mutex);
    if (std::find(listeners.begin(), listeners.end(), listener) != listeners.end()) {
        boost::asio::post(*listener->io, [weak = std::weak_ptr(listener)] {
            if (auto const alive = weak.lock()) {
                alive->handler();
            }
        });
    }
}

// When this returns, the system ends the process.
void stop_and_wait(std::shared_ptr<Listener> const& listener) {
    tell(listener);
    WaitForSingleObject(listener->gone.get(), INFINITE);
}

std::vector<std::shared_ptr<Listener>> all_listeners() {
    std::lock_guard const guard(mutex);
    return listeners;
}

BOOL WINAPI on_console_event(DWORD event) {
    for (auto const& each : all_listeners()) {
        tell(each);
    }
    if (event != CTRL_C_EVENT && event != CTRL_BREAK_EVENT) { // the console or the system goes away
        for (auto const& each : all_listeners()) {
            stop_and_wait(each);
        }
    }
    return TRUE;
}

class Events : public StopRequests {
public:
    Events(boost::asio::io_context& io, std::function<void()> handler)
        : listener_(std::make_shared<Listener>(io, std::move(handler))),
          session_end_([listener = listener_] { stop_and_wait(listener); }) {
        std::lock_guard const guard(mutex);
        if (listeners.empty()) {
            SetConsoleCtrlHandler(on_console_event, TRUE);
        }
        listeners.push_back(listener_);
    }
    ~Events() override {
        {
            std::lock_guard const guard(mutex);
            std::erase(listeners, listener_);
            if (listeners.empty()) {
                SetConsoleCtrlHandler(on_console_event, FALSE);
            }
        }
        SetEvent(listener_->gone.get());
    }
    Events(Events const&) = delete;
    Events& operator=(Events const&) = delete;

private:
    std::shared_ptr<Listener> listener_;
    SessionEnd session_end_;
};

} // namespace

std::unique_ptr<StopRequests> StopRequests::listen(boost::asio::io_context& io,
                                                   std::function<void()> handler) {
    return std::make_unique<Events>(io, std::move(handler));
}

} // namespace coop::ctl
