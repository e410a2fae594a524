// SPDX-License-Identifier: GPL-2.0-only
// Output for people that a shell can cut: columns by two spaces, one record a line, no frame.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace coop::ctl {

// The first row is the heading. A value never holds a line end.
std::string table(std::vector<std::vector<std::string>> const& rows);
// "Key:   value" lines.
std::string fields(std::vector<std::pair<std::string, std::string>> const& rows);
// "3 d 4 h", "2 min 5 s", "7 s".
std::string format_duration(std::int64_t seconds);
// UTC, "2026-11-22 21:55:36Z"; "-" for 0.
std::string format_time(std::int64_t seconds_since_1970);
void print_json(nlohmann::json const& json);

} // namespace coop::ctl
