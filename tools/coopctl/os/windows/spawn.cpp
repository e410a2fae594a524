// SPDX-License-Identifier: GPL-2.0-only
// CreateProcess with a list of handles.
#include "os/windows/spawn.hpp"

#include "os/windows/text.hpp"

#include <fmt/format.h>

namespace coop::ctl {

namespace {

// The handles that the child shall have, and no others.
class HandleList {
public:
    explicit HandleList(std::array<HANDLE, 3>& handles) {
        SIZE_T bytes = 0;
        if (InitializeProcThreadAttributeList(nullptr, 1, 0, &bytes) == 0 &&
            GetLastError() == ERROR_CALL_NOT_IMPLEMENTED) {
            return; // newer_calls.cpp
        }
        memory_.resize(bytes);
        if (InitializeProcThreadAttributeList(get(), 1, 0, &bytes) == 0) {
            throw failed("cannot start a process");
        }
        if (UpdateProcThreadAttribute(get(), 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST, handles.data(),
                                      sizeof(HANDLE) * handles.size(), nullptr, nullptr) == 0) {
            auto const failure = failed("cannot start a process");
            DeleteProcThreadAttributeList(get());
            throw failure;
        }
    }
    ~HandleList() {
        if (!memory_.empty()) {
            DeleteProcThreadAttributeList(get());
        }
    }
    HandleList(HandleList const&) = delete;
    HandleList& operator=(HandleList const&) = delete;

    // Null where the system has no such lists.
    LPPROC_THREAD_ATTRIBUTE_LIST get() {
        return memory_.empty() ? nullptr : reinterpret_cast<LPPROC_THREAD_ATTRIBUTE_LIST>(memory_.data());
    }

private:
    std::vector<std::byte> memory_;
};

Handle inheritable(HANDLE handle) {
    HANDLE copy = nullptr;
    if (DuplicateHandle(GetCurrentProcess(), handle, GetCurrentProcess(), &copy, 0, TRUE,
                        DUPLICATE_SAME_ACCESS) == 0) {
        throw failed("cannot hand a stream to a process");
    }
    return Handle{copy};
}

} // namespace

std::filesystem::path own_program() {
    std::wstring path(32768, L'\0');
    auto const length = GetModuleFileNameW(nullptr, path.data(), static_cast<DWORD>(path.size()));
    if (length == 0 || length == path.size()) {
        throw failed("cannot find this program's file");
    }
    path.resize(length);
    return path;
}

std::wstring quote_arguments(std::vector<std::string> const& words) {
    std::string line;
    for (auto const& word : words) {
        line += line.empty() ? "\"" : " \"";
        std::size_t backslashes = 0; // before a quote each counts twice
        for (char const c : word) {
            if (c == '"') {
                line.append(backslashes + 1, '\\');
            }
            backslashes = c == '\\' ? backslashes + 1 : 0;
            line += c;
        }
        line.append(backslashes, '\\');
        line += '"';
    }
    return to_wide(line);
}

DWORD spawn(std::filesystem::path const& program, std::vector<std::string> const& arguments,
            std::array<HANDLE, 3> streams) {
    std::array<Handle, 3> const copies{inheritable(streams[0]), inheritable(streams[1]),
                                       inheritable(streams[2])};
    std::array<HANDLE, 3> handles{copies[0].get(), copies[1].get(), copies[2].get()};
    HandleList list(handles);
    STARTUPINFOEXW start{};
    start.StartupInfo.cb = list.get() != nullptr ? sizeof start : sizeof start.StartupInfo;
    start.StartupInfo.dwFlags = STARTF_USESTDHANDLES;
    start.StartupInfo.hStdInput = handles[0];
    start.StartupInfo.hStdOutput = handles[1];
    start.StartupInfo.hStdError = handles[2];
    start.lpAttributeList = list.get();
    auto line = quote_arguments(arguments);
    auto const folder = program.parent_path(); // not the caller's, which it may want to remove
    DWORD const extended = list.get() != nullptr ? EXTENDED_STARTUPINFO_PRESENT : 0;
    DWORD const flags = DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP | extended;
    PROCESS_INFORMATION process{};
    // A job may end all its processes with the console that began it; not all jobs let go.
    for (DWORD const job : {DWORD{CREATE_BREAKAWAY_FROM_JOB}, DWORD{0}}) {
        if (CreateProcessW(program.c_str(), line.data(), nullptr, nullptr, TRUE, flags | job, nullptr,
                           folder.c_str(), &start.StartupInfo, &process) != 0) {
            CloseHandle(process.hThread);
            CloseHandle(process.hProcess);
            return process.dwProcessId;
        }
        if (GetLastError() != ERROR_ACCESS_DENIED) {
            break;
        }
    }
    throw failed("cannot start the guest's process");
}

} // namespace coop::ctl
