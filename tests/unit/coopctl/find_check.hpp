// SPDX-License-Identifier: GPL-2.0-only
// Looking up one of doctor's checks.
#pragma once

#include "os/host_checks.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

namespace coop::ctl {

inline Check const& find(std::vector<Check> const& checks, std::string_view id) {
    auto const found =
        std::find_if(checks.begin(), checks.end(), [&](Check const& each) { return each.id == id; });
    REQUIRE(found != checks.end());
    return *found;
}

} // namespace coop::ctl
