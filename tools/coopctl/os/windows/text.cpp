// SPDX-License-Identifier: GPL-2.0-only
// Conversions; malformed text becomes replacement characters.
#include "os/windows/text.hpp"

#include <fmt/format.h>

namespace coop::ctl {

std::wstring to_wide(std::string_view utf8) {
    auto const bytes = static_cast<int>(utf8.size());
    auto const length = MultiByteToWideChar(CP_UTF8, 0, utf8.data(), bytes, nullptr, 0);
    std::wstring wide(static_cast<std::size_t>(length), L'\0');
    MultiByteToWideChar(CP_UTF8, 0, utf8.data(), bytes, wide.data(), length);
    return wide;
}

std::string to_utf8(std::wstring_view wide) {
    auto const units = static_cast<int>(wide.size());
    auto const length = WideCharToMultiByte(CP_UTF8, 0, wide.data(), units, nullptr, 0, nullptr, nullptr);
    std::string utf8(static_cast<std::size_t>(length), '\0');
    WideCharToMultiByte(CP_UTF8, 0, wide.data(), units, utf8.data(), length, nullptr, nullptr);
    return utf8;
}

std::string error_text(DWORD code) {
    auto const error = windows_error(code);
    auto const condition = error.default_error_condition();
    return condition.category() == std::generic_category()
               ? condition.message()
               : fmt::format("{} (error {})", error.message(), code);
}

Failure failed(std::string const& what, DWORD code) {
    return {ExitCode::failure, fmt::format("{}: {}", what, error_text(code))};
}

} // namespace coop::ctl
