// SPDX-License-Identifier: GPL-2.0-only
// One message, "%1", which this program's own resources hold.
#include "os/windows/event_log.hpp"

#include "os/windows/spawn.hpp"
#include "os/windows/text.hpp"

#include <messages.h>

namespace coop::ctl {

namespace {

constexpr wchar_t const* source = L"coopctl";
constexpr wchar_t const* source_key = L"SYSTEM\\CurrentControlSet\\Services\\EventLog\\Application\\coopctl";

void set_value(HKEY key, wchar_t const* name, DWORD type, void const* data, std::size_t bytes) {
    auto const error =
        RegSetValueExW(key, name, 0, type, static_cast<BYTE const*>(data), static_cast<DWORD>(bytes));
    if (error != ERROR_SUCCESS) {
        throw failed("cannot register with the event log", static_cast<DWORD>(error));
    }
}

} // namespace

void register_event_source() {
    HKEY key = nullptr;
    auto const error =
        RegCreateKeyExW(HKEY_LOCAL_MACHINE, source_key, 0, nullptr, 0, KEY_SET_VALUE, nullptr, &key, nullptr);
    if (error != ERROR_SUCCESS) {
        throw failed("cannot register with the event log", static_cast<DWORD>(error));
    }
    std::unique_ptr<std::remove_pointer_t<HKEY>, decltype(&RegCloseKey)> const closer(key, RegCloseKey);
    auto const file = own_program().wstring();
    set_value(key, L"EventMessageFile", REG_EXPAND_SZ, file.c_str(), (file.size() + 1) * sizeof(wchar_t));
    DWORD const kinds = EVENTLOG_INFORMATION_TYPE | EVENTLOG_WARNING_TYPE | EVENTLOG_ERROR_TYPE;
    set_value(key, L"TypesSupported", REG_DWORD, &kinds, sizeof kinds);
}

void unregister_event_source() {
    auto const error = RegDeleteKeyW(HKEY_LOCAL_MACHINE, source_key);
    if (error != ERROR_SUCCESS && error != ERROR_FILE_NOT_FOUND) {
        throw failed("cannot unregister from the event log", static_cast<DWORD>(error));
    }
}

void report_event(EventKind kind, std::string const& text) noexcept {
    static constexpr WORD types[] = {EVENTLOG_INFORMATION_TYPE, EVENTLOG_WARNING_TYPE, EVENTLOG_ERROR_TYPE};
    try {
        auto const wide = to_wide(text);
        auto const* const strings = wide.c_str();
        HANDLE const log = RegisterEventSourceW(nullptr, source);
        if (log != nullptr) {
            ReportEventW(log, types[static_cast<int>(kind)], 0, MSG_TEXT, nullptr, 1, 0,
                         const_cast<wchar_t const**>(&strings), nullptr);
            DeregisterEventSource(log);
        }
    } catch (std::exception const&) { // NOLINT(bugprone-empty-catch)
    }
}

} // namespace coop::ctl
