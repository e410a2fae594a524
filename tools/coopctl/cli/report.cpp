// SPDX-License-Identifier: GPL-2.0-only
// Printing log files.
#include "cli/report.hpp"

#include <deque>
#include <fmt/format.h>
#include <fstream>

namespace coop::ctl {

bool print_log_files(RuntimeDir const& directory, std::string const& name) {
    bool any = false;
    for (auto const& path : {directory.older_log(name), directory.log(name)}) {
        std::ifstream stream(path);
        any = any || stream;
        for (std::string line; std::getline(stream, line);) {
            fmt::print("{}\n", line);
        }
    }
    return any;
}

void print_log_tail(RuntimeDir const& directory, std::string const& name) {
    constexpr std::size_t lines_most = 20;
    std::ifstream stream(directory.log(name));
    std::deque<std::string> lines;
    for (std::string line; std::getline(stream, line);) {
        lines.push_back(line);
        if (lines.size() > lines_most) {
            lines.pop_front();
        }
    }
    for (auto const& line : lines) {
        fmt::print(stderr, "{}\n", line);
    }
}

} // namespace coop::ctl
