// SPDX-License-Identifier: GPL-2.0-only
// The commands' functions; commands.cpp ties them to names and options. Each returns the exit status and
// throws Failure.
#pragma once

#include "cli/arguments.hpp"

namespace coop::ctl {

int start_command(Arguments const& arguments);
int run_guest_command(Arguments const& arguments);
int stop_command(Arguments const& arguments);
int kill_command(Arguments const& arguments);
int list_command(Arguments const& arguments);
int status_command(Arguments const& arguments);
int console_command(Arguments const& arguments);
int logs_command(Arguments const& arguments);
int stats_command(Arguments const& arguments);
int doctor_command(Arguments const& arguments);
int version_command(Arguments const& arguments);

} // namespace coop::ctl
