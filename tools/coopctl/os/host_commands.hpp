// SPDX-License-Identifier: GPL-2.0-only
// Commands that only one operating system has.
#pragma once

#include "cli/arguments.hpp"

#include <vector>

namespace coop::ctl {

std::vector<Command> host_commands();

} // namespace coop::ctl
