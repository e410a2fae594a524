// SPDX-License-Identifier: GPL-2.0-only
// Lock file by share modes: the holder has it open for writing and lets others only read.
#include "os/lock_file.hpp"

#include "os/process.hpp"
#include "os/windows/text.hpp"

#include <charconv>
#include <fmt/format.h>

namespace coop::ctl {

namespace {

class WindowsLockFile : public LockFile {
public:
    explicit WindowsLockFile(Handle file) : file_(std::move(file)) {}
    ~WindowsLockFile() override {
        // By the handle: at no time is there a file of that name that we do not hold.
        FILE_DISPOSITION_INFO remove{TRUE};
        SetFileInformationByHandle(file_.get(), FileDispositionInfo, &remove, sizeof remove);
    }
    WindowsLockFile(WindowsLockFile const&) = delete;
    WindowsLockFile& operator=(WindowsLockFile const&) = delete;

private:
    Handle file_;
};

Handle open_to_read(std::filesystem::path const& path, DWORD share) {
    return Handle{CreateFileW(path.c_str(), GENERIC_READ, share, nullptr, OPEN_EXISTING,
                              FILE_FLAG_OPEN_REPARSE_POINT, nullptr)};
}

} // namespace

std::unique_ptr<LockFile> LockFile::try_lock(std::filesystem::path const& path) {
    // Who only asks for the holder is in the way for a moment, and so is a file that is being removed.
    constexpr int attempts = 10;
    constexpr DWORD pause_ms = 20;
    for (int attempt = 1;; ++attempt) {
        Handle file{CreateFileW(path.c_str(), GENERIC_WRITE | DELETE, FILE_SHARE_READ, nullptr, OPEN_ALWAYS,
                                FILE_ATTRIBUTE_NORMAL | FILE_FLAG_OPEN_REPARSE_POINT, nullptr)};
        auto const error = file ? ERROR_SUCCESS : GetLastError();
        if (file) {
            auto const text = fmt::format("{}\n", own_process_id());
            DWORD written = 0;
            if (SetEndOfFile(file.get()) == 0 ||
                WriteFile(file.get(), text.data(), static_cast<DWORD>(text.size()), &written, nullptr) == 0) {
                throw failed(fmt::format("cannot lock {}", path.string()));
            }
            return std::make_unique<WindowsLockFile>(std::move(file));
        }
        bool const passing = error == ERROR_SHARING_VIOLATION || error == ERROR_ACCESS_DENIED;
        if (!passing || attempt == attempts) {
            if (error == ERROR_SHARING_VIOLATION) {
                return nullptr;
            }
            throw failed(fmt::format("cannot lock {}", path.string()), error);
        }
        Sleep(pause_ms);
    }
}

std::optional<std::int64_t> LockFile::holder(std::filesystem::path const& path) {
    if (open_to_read(path, FILE_SHARE_READ | FILE_SHARE_DELETE) ||
        GetLastError() != ERROR_SHARING_VIOLATION) {
        return std::nullopt;
    }
    auto const file = open_to_read(path, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE);
    if (!file) {
        return std::nullopt; // it has just ended
    }
    char text[24];
    DWORD size = 0;
    std::int64_t process = 0;
    if (ReadFile(file.get(), text, sizeof text, &size, nullptr) != 0) {
        std::from_chars(text, text + size, process);
    }
    return process; // 0 in the instant between lock and write
}

} // namespace coop::ctl
