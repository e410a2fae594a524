// SPDX-License-Identifier: GPL-2.0-only
// Guest names: they become file names and the driver's names, so they are kept plain.
#pragma once

#include <string_view>

namespace coop::ctl {

// [A-Za-z0-9._-]{1,63}, but not "." or "..", and not starting with '-' (it would look like an option).
bool valid_name(std::string_view name);
// Throws Failure (usage) that says what is wrong with the name.
void check_name(std::string_view name);

} // namespace coop::ctl
