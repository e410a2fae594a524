// SPDX-License-Identifier: GPL-2.0-only
// Expecting a Failure: its text and its exit code are part of what is tested.
#pragma once

#include "failure.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <string>

namespace coop::ctl {

// "CODE: what", or "" if function did not fail.
template <typename Function>
std::string failing(Function&& function) {
    try {
        function();
    } catch (Failure const& failure) {
        return fmt::format("{}: {}", static_cast<int>(failure.code()), failure.what());
    }
    return {};
}

} // namespace coop::ctl
