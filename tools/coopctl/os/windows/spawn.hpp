// SPDX-License-Identifier: GPL-2.0-only
// Starting a detached process.
#pragma once

#include "devices/handle_windows.hpp"
#include <array>
#include <filesystem>
#include <string>
#include <vector>

namespace coop::ctl {

std::filesystem::path own_program();

// Words as CommandLineToArgvW takes them apart again.
std::wstring quote_arguments(std::vector<std::string> const& words);

// A process without a console, outside the caller's job, that inherits these standard streams and nothing
// else; arguments begin with the program's name. Returns its number. Throws Failure.
DWORD spawn(std::filesystem::path const& program, std::vector<std::string> const& arguments,
            std::array<HANDLE, 3> streams);

} // namespace coop::ctl
