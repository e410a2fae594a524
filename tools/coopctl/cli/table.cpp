// SPDX-License-Identifier: GPL-2.0-only
// Tables and times.
#include "cli/table.hpp"

#include <algorithm>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace coop::ctl {

std::string table(std::vector<std::vector<std::string>> const& rows) {
    std::vector<std::size_t> widths;
    for (auto const& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i) {
            widths[i] = std::max(widths[i], row[i].size());
        }
    }
    std::string text;
    for (auto const& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            line += i + 1 < row.size() ? fmt::format("{:<{}}", row[i], widths[i] + 2) : row[i];
        }
        text += line + '\n';
    }
    return text;
}

std::string fields(std::vector<std::pair<std::string, std::string>> const& rows) {
    std::vector<std::vector<std::string>> cells;
    cells.reserve(rows.size());
    for (auto const& [key, value] : rows) {
        cells.push_back({key + ":", value});
    }
    return table(cells);
}

std::string format_duration(std::int64_t seconds) {
    seconds = std::max<std::int64_t>(seconds, 0);
    if (seconds >= 86400) {
        return fmt::format("{} d {} h", seconds / 86400, seconds % 86400 / 3600);
    }
    if (seconds >= 3600) {
        return fmt::format("{} h {} min", seconds / 3600, seconds % 3600 / 60);
    }
    if (seconds >= 60) {
        return fmt::format("{} min {} s", seconds / 60, seconds % 60);
    }
    return fmt::format("{} s", seconds);
}

std::string format_time(std::int64_t seconds) {
    return seconds == 0
               ? "-"
               : fmt::format("{:%Y-%m-%d %H:%M:%S}Z", fmt::gmtime(static_cast<std::time_t>(seconds)));
}

void print_json(nlohmann::json const& json) {
    fmt::print("{}\n", json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
}

} // namespace coop::ctl
