// SPDX-License-Identifier: GPL-2.0-only
// The guest kernel's command line: the user's, plus what only the host knows.
#pragma once

#include <string>

namespace coop::ctl {

// The guest kernel does not probe the CPU for Meltdown: it is told, unless the user has chosen page-table
// isolation himself (pti=, nopti, mitigations=).
std::string complete_command_line(std::string const& chosen, bool host_has_meltdown);

} // namespace coop::ctl
