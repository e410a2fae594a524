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

BOOL WINAPI on_console_event(DWORD event);

// Of the whole process, as its events are, and for its whole life: the system holds a lock of its own while
// it tells of an event, and wants the same one to take the handler away.
struct Listeners {
    Listeners() { SetConsoleCtrlHandler(on_console_event, TRUE); }

    std::mutex mutex;
    std::vector<std::shared_ptr<Listener>> list;
};

Listeners& listeners() {
    static auto& all = *new Listeners;
    return all;
}

void tell(std::shared_ptr<Listener> const& listener) {
    auto& [mutex, list] = listeners();
    std::lock_guard const guard(mutex);
    if (std::find(list.begin(), list.end(), listener) != list.end()) {
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
    std::lock_guard const guard(listeners().mutex);
    return listeners().list;
}

BOOL WINAPI on_console_event(DWORD event) {
    auto const all = all_listeners();
    for (auto const& each : all) {
        tell(each);
    }
    if (event != CTRL_C_EVENT && event != CTRL_BREAK_EVENT) { // the console or the system goes away
        for (auto const& each : all) {
            stop_and_wait(each);
        }
    }
    return all.empty() ? FALSE : TRUE; // FALSE: the system does what it does by itself
}

class Events : public StopRequests {
public:
    Events(boost::asio::io_context& io, std::function<void()> handler)
        : listener_(std::make_shared<Listener>(io, std::move(handler))),
          session_end_([listener = listener_] { stop_and_wait(listener); }) {
        std::lock_guard const guard(listeners().mutex);
        listeners().list.push_back(listener_);
    }
    ~Events() override {
        {
            std::lock_guard const guard(listeners().mutex);
            std::erase(listeners().list, listener_);
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
