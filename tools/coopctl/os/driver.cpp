// SPDX-License-Identifier: GPL-2.0-only
// The part of the driver seam that is the same on every host: naming requests and their refusals.
#include "os/driver.hpp"

#include "coop/host.h"

#include <fmt/format.h>
#include <system_error>

namespace coop::ctl {

char const* request_name(coop_request request) {
    static constexpr char const* names[COOP_REQUEST_COUNT] = {"VERSION", "HOST", "CREATE",   "EXTENTS",
                                                              "START",   "RUN",  "NOTIFIER", "INTERRUPT",
                                                              "STATS",   "LOG",  "EVENT",    "END"};
    return request < COOP_REQUEST_COUNT ? names[request] : "?";
}

namespace {

// These numbers are Linux's on every host, so the host's own table of words may not do.
std::string error_words(int error) {
    switch (error) {
    case COOP_E_INTERRUPTED:
        return "Interrupted system call";
    case COOP_E_NO_DEVICE:
        return "No such device or address";
    case COOP_E_TOO_BIG:
        return "Argument list too long";
    case COOP_E_NO_MEMORY:
        return "Cannot allocate memory";
    case COOP_E_FAULT:
        return "Bad address";
    case COOP_E_BUSY:
        return "Device or resource busy";
    case COOP_E_EXISTS:
        return "File exists";
    case COOP_E_INVALID:
        return "Invalid argument";
    case COOP_E_NOT_SUPPORTED:
        return "Operation not supported";
    default:
        return std::error_code(error, std::generic_category()).message();
    }
}

} // namespace

DriverError::DriverError(coop_request which, int number) : DriverError(which, number, error_words(number)) {}

DriverError::DriverError(coop_request which, int number, std::string const& why)
    : Failure(ExitCode::failure, fmt::format("the driver refused {}: {}", request_name(which), why)),
      request(which),
      error(number) {}

} // namespace coop::ctl
