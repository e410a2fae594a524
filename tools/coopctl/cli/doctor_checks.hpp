// SPDX-License-Identifier: GPL-2.0-only
// What the driver knows of the host; better than what was guessed without it.
#pragma once

#include "os/driver.hpp"
#include "os/host_checks.hpp"

#include <vector>

namespace coop::ctl {

// Puts the check in the place of the one with its id, or at the end.
void replace_check(std::vector<Check>& checks, Check check);
// Throws Failure if the driver does not answer.
void add_driver_checks(std::vector<Check>& checks, Driver& driver);

} // namespace coop::ctl
