// SPDX-License-Identifier: GPL-2.0-only
// `coopctl service`.
#pragma once

#include "cli/arguments.hpp"

namespace coop::ctl {

int service_command(Arguments const& arguments);

} // namespace coop::ctl
