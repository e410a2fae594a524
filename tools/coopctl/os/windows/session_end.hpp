// SPDX-License-Identifier: GPL-2.0-only
// The end of the user's session (log-off, shutdown), of which a process without a console is told only by a
// window's messages.
#pragma once

#include "devices/handle_windows.hpp"
#include <functional>
#include <thread>

namespace coop::ctl {

// A thread with a window that is never shown. Where there are no windows it does nothing.
class SessionEnd {
public:
    // stop is called on that thread; when it returns, the system goes on and ends the process.
    explicit SessionEnd(std::function<void()> stop);
    ~SessionEnd();
    SessionEnd(SessionEnd const&) = delete;
    SessionEnd& operator=(SessionEnd const&) = delete;

private:
    void run();
    static LRESULT CALLBACK on_message(HWND window, UINT message, WPARAM first, LPARAM second);

    std::function<void()> stop_;
    Handle quit_;
    std::thread thread_; // last: it uses all above
};

} // namespace coop::ctl
