// SPDX-License-Identifier: GPL-2.0-only
// What the driver's refusals mean to the person who started a guest.
#pragma once

#include "os/driver.hpp"
#include "spec/guest_spec.hpp"

#include <string>

namespace coop::ctl {

// Throws Failure (host) that names both versions unless the driver's ABI is ours.
void check_abi(coop_version const& version);
// Throws Failure (host) if the host refuses guests.
void check_host(coop_host_info const& host);
// One bit of COOP_HOST_* as a reason why no guest can run.
std::string refusal_text(std::uint32_t refusal);
// CREATE was refused.
Failure explain_create(DriverError const& error, GuestSpec const& spec, coop_host_info const& host);

} // namespace coop::ctl
