// SPDX-License-Identifier: GPL-2.0-only
// How coopctl fails: one exception that carries what happened and why, what the user can do, and the exit
// status. The numbers are an interface for scripts (docs/coopctl.md).
#pragma once

#include <stdexcept>
#include <string>

namespace coop::ctl {

enum class ExitCode : int {
    ok = 0,
    failure = 1,      // anything without a number of its own
    usage = 2,        // command line or configuration file
    no_guest = 3,     // no such guest, or it does not run
    guest_failed = 4, // the guest ended abnormally or had to be ended by force
    timeout = 5,      // the guest runs, but did not become ready in time
    host = 6,         // this host cannot run guests: module, rights, ABI, CPU
};

class Failure : public std::runtime_error {
public:
    Failure(ExitCode code, std::string const& what, std::string advice = {})
        : std::runtime_error(what), code_(code), advice_(std::move(advice)) {}

    ExitCode code() const { return code_; }
    // What to do about it; may be empty.
    std::string const& advice() const { return advice_; }

private:
    ExitCode code_;
    std::string advice_;
};

} // namespace coop::ctl
