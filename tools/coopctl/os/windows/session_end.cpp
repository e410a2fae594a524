// SPDX-License-Identifier: GPL-2.0-only
// The window and its thread.
#include "os/windows/session_end.hpp"

namespace coop::ctl {

namespace {

constexpr wchar_t const* class_name = L"coopctl session end";
constexpr wchar_t const* reason = L"A Linux guest is shutting down.";

} // namespace

SessionEnd::SessionEnd(std::function<void()> stop)
    : stop_(std::move(stop)),
      quit_(CreateEventW(nullptr, TRUE, FALSE, nullptr)),
      thread_([this] { run(); }) {}

SessionEnd::~SessionEnd() {
    SetEvent(quit_.get());
    thread_.join();
}

LRESULT CALLBACK SessionEnd::on_message(HWND window, UINT message, WPARAM first, LPARAM second) {
    auto* const self = reinterpret_cast<SessionEnd*>(GetWindowLongPtrW(window, GWLP_USERDATA));
    if (message == WM_ENDSESSION && first != 0 && self != nullptr) {
        // Shown to the user, who decides whether to wait, if this takes more than a few seconds.
        ShutdownBlockReasonCreate(window, reason);
        self->stop_();
        ShutdownBlockReasonDestroy(window);
        return 0;
    }
    return DefWindowProcW(window, message, first, second);
}

void SessionEnd::run() {
    WNDCLASSW type{};
    type.lpfnWndProc = on_message;
    type.hInstance = GetModuleHandleW(nullptr);
    type.lpszClassName = class_name;
    RegisterClassW(&type); // fails if it is there already
    // A top-level window: those for messages only are not told.
    HWND const window =
        CreateWindowW(class_name, L"", WS_OVERLAPPED, 0, 0, 0, 0, nullptr, nullptr, type.hInstance, nullptr);
    if (window == nullptr) {
        return;
    }
    SetWindowLongPtrW(window, GWLP_USERDATA, reinterpret_cast<LONG_PTR>(this));
    HANDLE const quit = quit_.get();
    while (MsgWaitForMultipleObjects(1, &quit, FALSE, INFINITE, QS_ALLINPUT) == WAIT_OBJECT_0 + 1) {
        MSG message;
        while (PeekMessageW(&message, nullptr, 0, 0, PM_REMOVE) != 0) {
            DispatchMessageW(&message);
        }
    }
    DestroyWindow(window);
}

} // namespace coop::ctl
