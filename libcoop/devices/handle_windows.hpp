// SPDX-License-Identifier: GPL-2.0-only
// What all code for NT needs: an owned handle, waiting for an overlapped operation, errors as the C++ library
// knows them.
#pragma once

#include <cstdint>
#include <system_error>
#include <utility>

#include <windows.h>

namespace coop {

class Handle {
public:
    explicit Handle(HANDLE handle = INVALID_HANDLE_VALUE) : handle_{handle} {}
    Handle(Handle&& other) noexcept : handle_{other.release()} {}
    Handle& operator=(Handle&& other) noexcept {
        reset(other.release());
        return *this;
    }
    ~Handle() { reset(); }

    HANDLE get() const { return handle_; }
    HANDLE release() { return std::exchange(handle_, INVALID_HANDLE_VALUE); }
    void reset(HANDLE handle = INVALID_HANDLE_VALUE) {
        if (*this) {
            CloseHandle(handle_);
        }
        handle_ = handle;
    }
    // Functions of NT say "none" in two ways.
    explicit operator bool() const { return handle_ != INVALID_HANDLE_VALUE && handle_ != nullptr; }

private:
    HANDLE handle_;
};

inline std::error_code windows_error(DWORD code) {
    return {static_cast<int>(code), std::system_category()};
}

inline std::error_code last_windows_error() {
    return windows_error(GetLastError());
}

// An operation on a handle that was opened overlapped, awaited by the thread that began it. Each thread has
// one event for that: it waits for one operation at a time.
class AwaitedOperation {
public:
    explicit AwaitedOperation(std::uint64_t offset = 0) {
        static thread_local Handle const event{CreateEventW(nullptr, TRUE, FALSE, nullptr)};
        overlapped_.hEvent = event.get();
        overlapped_.Offset = static_cast<DWORD>(offset);
        overlapped_.OffsetHigh = static_cast<DWORD>(offset >> 32);
    }
    OVERLAPPED* get() { return &overlapped_; }

    // begun: what the function that took get() returned. count: bytes that were moved.
    std::error_code finish(HANDLE handle, BOOL begun, DWORD& count) {
        if (begun == 0 && GetLastError() != ERROR_IO_PENDING) {
            return last_windows_error();
        }
        return GetOverlappedResult(handle, &overlapped_, &count, TRUE) != 0 ? std::error_code{}
                                                                            : last_windows_error();
    }

private:
    OVERLAPPED overlapped_{};
};

// DeviceIoControl on a handle that was opened overlapped.
inline std::error_code control(HANDLE handle, DWORD code, void* input, DWORD input_bytes, void* output,
                               DWORD output_bytes, DWORD& count) {
    AwaitedOperation operation;
    auto const begun =
        DeviceIoControl(handle, code, input, input_bytes, output, output_bytes, nullptr, operation.get());
    return operation.finish(handle, begun, count);
}

} // namespace coop
