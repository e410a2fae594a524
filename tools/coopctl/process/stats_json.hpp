// SPDX-License-Identifier: GPL-2.0-only
// The driver's counters by name.
#pragma once

#include "coop/ioctl.h"

#include <nlohmann/json_fwd.hpp>

namespace coop::ctl {

// Flat, but for "doorbells": an object by reason.
nlohmann::json stats_json(coop_stats const& stats);

} // namespace coop::ctl
