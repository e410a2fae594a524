// SPDX-License-Identifier: GPL-2.0-only
// CreateProcess, directories and rights.
#include "os/process.hpp"

#include "failure.hpp"
#include "os/piped_child.hpp"
#include "os/windows/security.hpp"
#include "os/windows/spawn.hpp"
#include "os/windows/text.hpp"

#include <array>
#include <atomic>
#include <cstdio>
#include <fcntl.h>
#include <fmt/format.h>
#include <io.h>
#include <shellapi.h>
#include <shlobj.h>

namespace coop::ctl {

namespace {

struct Pipe {
    Pipe() {
        HANDLE ends[2];
        if (CreatePipe(&ends[0], &ends[1], nullptr, 0) == 0) {
            throw failed("cannot make a pipe");
        }
        read.reset(ends[0]);
        write.reset(ends[1]);
    }
    Handle read;
    Handle write;
};

class WindowsChild : public PipedChild {
public:
    WindowsChild(DWORD id, Handle input, Handle output)
        : id_(id), input_(std::move(input)), output_(std::move(output)) {}

    std::int64_t id() const override { return id_; }

private:
    std::size_t write(std::string_view data) override {
        DWORD count = 0;
        auto const done =
            WriteFile(input_.get(), data.data(), static_cast<DWORD>(data.size()), &count, nullptr);
        return done != 0 ? count : 0;
    }

    void close_input() override { input_.reset(); }

    // Such a pipe cannot be waited for.
    Read wait(unsigned milliseconds) override {
        constexpr unsigned step_ms = 10;
        for (unsigned waited = 0;; waited += step_ms) {
            DWORD available = 0;
            if (PeekNamedPipe(output_.get(), nullptr, 0, nullptr, &available, nullptr) == 0) {
                return Read::end;
            }
            if (available > 0) {
                return Read::data;
            }
            if (waited >= milliseconds) {
                return Read::timeout;
            }
            Sleep(step_ms);
        }
    }

    std::size_t read(std::span<char> buffer) override {
        DWORD count = 0;
        auto const done =
            ReadFile(output_.get(), buffer.data(), static_cast<DWORD>(buffer.size()), &count, nullptr);
        return done != 0 ? count : 0;
    }

    DWORD id_;
    Handle input_;
    Handle output_;
};

// Not the environment's word for it, which is the caller's.
std::filesystem::path program_data_directory() {
    std::array<wchar_t, MAX_PATH> path;
    if (SHGetFolderPathW(nullptr, CSIDL_COMMON_APPDATA | CSIDL_FLAG_CREATE, nullptr, SHGFP_TYPE_CURRENT,
                         path.data()) != S_OK) {
        throw Failure(ExitCode::failure, "cannot find the system's directory for programs' data");
    }
    return std::filesystem::path(path.data()) / "coop";
}

} // namespace

std::vector<std::string> begin_process(int, char**) {
    for (int const stream : {0, 1, 2}) {
        _setmode(stream, _O_BINARY); // line ends as they are
    }
    int count = 0;
    LPWSTR* const words = CommandLineToArgvW(GetCommandLineW(), &count);
    std::vector<std::string> arguments;
    for (int i = 1; i < count; ++i) {
        arguments.push_back(to_utf8(words[i]));
    }
    LocalFree(words);
    return arguments;
}

std::int64_t own_process_id() {
    return GetCurrentProcessId();
}

bool is_administrator() {
    std::array<std::byte, SECURITY_MAX_SID_SIZE> sid{};
    DWORD bytes = sid.size();
    BOOL member = FALSE;
    return CreateWellKnownSid(WinBuiltinAdministratorsSid, nullptr, sid.data(), &bytes) != 0 &&
           CheckTokenMembership(nullptr, sid.data(), &member) != 0 && member != 0;
}

std::filesystem::path default_runtime_directory() {
    return program_data_directory() / "run";
}

void make_private_directory(std::filesystem::path const& directory) {
    PrivateSecurity security;
    if (directory == default_runtime_directory()) {
        make_private_directory(program_data_directory());
    }
    if (CreateDirectoryW(directory.c_str(), security.get()) == 0 && GetLastError() != ERROR_ALREADY_EXISTS) {
        throw failed(fmt::format("cannot make {}", directory.string()));
    }
    Handle const handle{CreateFileW(directory.c_str(), READ_CONTROL | FILE_READ_ATTRIBUTES,
                                    FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, nullptr,
                                    OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT,
                                    nullptr)};
    BY_HANDLE_FILE_INFORMATION info{};
    if (!handle || GetFileInformationByHandle(handle.get(), &info) == 0) {
        throw failed(fmt::format("cannot use {}", directory.string()));
    }
    if ((info.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) == 0 ||
        (info.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0 || !is_private(handle.get(), directory)) {
        throw Failure(
            ExitCode::failure, fmt::format("{} is not a private directory of this user", directory.string()),
            "it must be a directory that belongs to an administrator and lets nobody else in: remove it");
    }
}

std::unique_ptr<Child> spawn_self(std::vector<std::string> const& arguments, Child::Errors errors) {
    Pipe input, output;
    Handle const nothing{CreateFileW(L"NUL", GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, nullptr,
                                     OPEN_EXISTING, 0, nullptr)};
    auto const id = spawn(own_program(), arguments,
                          {input.read.get(), output.write.get(),
                           errors == Child::Errors::with_output ? output.write.get() : nothing.get()});
    return std::make_unique<WindowsChild>(id, std::move(input.write), std::move(output.read));
}

void drop_standard_streams() {
    int const null = _open("NUL", _O_RDWR);
    if (null >= 0) {
        for (int const stream : {0, 1, 2}) {
            _dup2(null, stream);
        }
        _close(null);
    }
}

void name_this_thread(std::string const& name) {
    // Not in kernel32 before Windows 10 1703.
    using Function = HRESULT(WINAPI*)(HANDLE, PCWSTR);
    auto* const module = GetModuleHandleW(L"kernelbase.dll");
    auto* const function = module == nullptr ? nullptr : GetProcAddress(module, "SetThreadDescription");
    if (function != nullptr) {
        reinterpret_cast<Function>(reinterpret_cast<void*>(function))(GetCurrentThread(),
                                                                      to_wide(name).c_str());
    }
}

void ignore_broken_pipes() {}

void block_signals_on_this_thread() {}

} // namespace coop::ctl
