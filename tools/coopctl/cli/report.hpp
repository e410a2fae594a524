// SPDX-License-Identifier: GPL-2.0-only
// The log files of a guest, for people.
#pragma once

#include "control/runtime_dir.hpp"

#include <string>

namespace coop::ctl {

// The newest log and the one before it; false if there is none.
bool print_log_files(RuntimeDir const& directory, std::string const& name);
// The last lines, to standard error; nothing if there is no log.
void print_log_tail(RuntimeDir const& directory, std::string const& name);

} // namespace coop::ctl
