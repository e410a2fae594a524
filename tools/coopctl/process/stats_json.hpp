// SPDX-License-Identifier: GPL-2.0-only
// The driver's and the devices' counters by name.
#pragma once

#include "coop/ioctl.h"
#include "devices/net.hpp"

#include <nlohmann/json_fwd.hpp>
#include <vector>

namespace coop::ctl {

// Flat, but for "doorbells", an object by reason, and "interfaces", an array.
nlohmann::json stats_json(coop_stats const& stats, std::vector<NetCounters> const& nets);

} // namespace coop::ctl
