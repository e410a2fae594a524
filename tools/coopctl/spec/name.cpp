// SPDX-License-Identifier: GPL-2.0-only
// Name validation.
#include "spec/name.hpp"

#include "coop/ioctl.h"
#include "failure.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace coop::ctl {

namespace {

constexpr std::string_view allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

} // namespace

bool valid_name(std::string_view name) {
    return !name.empty() && name.size() < COOP_NAME_BYTES && name != "." && name != ".." && name[0] != '-' &&
           name.find_first_not_of(allowed) == std::string_view::npos;
}

void check_name(std::string_view name) {
    if (valid_name(name)) {
        return;
    }
    // {:?} is not in this fmt: never echo control characters to a terminal.
    std::string shown(name.substr(0, 80));
    std::replace_if(
        shown.begin(), shown.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
    throw Failure(
        ExitCode::usage, fmt::format("bad guest name '{}'", shown),
        fmt::format("a name has 1 to {} of the characters A-Z a-z 0-9 . _ - and does not start with '-'",
                    COOP_NAME_BYTES - 1));
}

} // namespace coop::ctl
