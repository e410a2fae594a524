// SPDX-License-Identifier: GPL-2.0-only
// `coopctl driver`.
#pragma once

#include "cli/arguments.hpp"

namespace coop::ctl {

int driver_command(Arguments const& arguments);

} // namespace coop::ctl
