// SPDX-License-Identifier: GPL-2.0-only
// Text and errors at the border to NT, which speaks UTF-16; all else here is UTF-8.
#pragma once

#include "failure.hpp"

#include "devices/handle_windows.hpp"
#include <string>
#include <string_view>

namespace coop::ctl {

std::wstring to_wide(std::string_view utf8);
std::string to_utf8(std::wstring_view wide);

// What an error means, in the C library's words where it has some.
std::string error_text(DWORD code);
// "what: why".
Failure failed(std::string const& what, DWORD code = GetLastError());

} // namespace coop::ctl
