// SPDX-License-Identifier: GPL-2.0-only
// What can be learnt about the host without the driver.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace coop::ctl {

enum class Verdict { good, note, problem, unknown };

struct Check {
    std::string id; // stable, for scripts
    std::string title;
    Verdict verdict;
    std::string value;
    std::string advice; // for a problem: what to do
};

// Whether bytes, of which what says what they are, are enough for a guest.
Check memory_check(std::uint64_t bytes, char const* what);
// In the order to show them. root: where the system's files are, for tests.
std::vector<Check> host_checks(std::filesystem::path const& root = "/");

} // namespace coop::ctl
