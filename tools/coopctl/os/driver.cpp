// SPDX-License-Identifier: GPL-2.0-only
// The part of the driver seam that is the same on every host: naming requests and their refusals.
#include "os/driver.hpp"

#include <fmt/format.h>
#include <system_error>

namespace coop::ctl {

char const* request_name(coop_request request) {
    static constexpr char const* names[COOP_REQUEST_COUNT] = {"VERSION", "HOST", "CREATE",   "EXTENTS",
                                                              "START",   "RUN",  "NOTIFIER", "INTERRUPT",
                                                              "STATS",   "LOG",  "EVENT",    "END"};
    return request < COOP_REQUEST_COUNT ? names[request] : "?";
}

DriverError::DriverError(coop_request which, int number)
    : Failure(ExitCode::failure, fmt::format("the driver refused {}: {}", request_name(which),
                                             std::error_code(number, std::generic_category()).message())),
      request(which),
      error(number) {}

} // namespace coop::ctl
