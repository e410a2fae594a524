// SPDX-License-Identifier: GPL-2.0-only
// Why a guest ended, in words and as JSON; kept in NAME.last after the guest is gone.
#pragma once

#include "coop/ioctl.h"

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace coop::ctl {

struct EndResult {
    std::string name;
    std::string reason; // "poweroff" "reboot" "halt" "panic" "killed" "stuck" "exception" "bad-state" "error"
                        // "lost" "unknown"
    std::string text;   // one line for people
    bool abnormal = false;
    std::uint64_t detail = 0;
    std::uint64_t rip = 0;
    std::uint64_t address = 0;
    std::int64_t started = 0; // seconds since 1970; 0 if unknown
    std::int64_t ended = 0;
};

// From what RUN reported. Names and times are left for the caller.
EndResult describe_end(coop_run const& run);
// The guest's process failed, rather than the guest.
EndResult describe_error(std::string const& what);
// The guest's process is gone without a word.
EndResult describe_lost();

nlohmann::json to_json(EndResult const& result);
// Throws nlohmann::json::exception on a mismatch.
EndResult end_from_json(nlohmann::json const& json);

} // namespace coop::ctl
