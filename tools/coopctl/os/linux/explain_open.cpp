// SPDX-License-Identifier: GPL-2.0-only
// Why /dev/coop cannot be opened.
#include "os/driver.hpp"
#include "os/words.hpp"

#include <cerrno>
#include <cstring>
#include <fmt/format.h>

namespace coop::ctl {

namespace {

constexpr char const* device_path = "/dev/coop";

} // namespace

Failure explain_open(int error, bool administrator) {
    switch (error) {
    case ENOENT:
    case ENXIO:
    case ENODEV:
        return {ExitCode::host, fmt::format("{} does not exist: the coop module is not loaded", device_path),
                fmt::format("{}; `coopctl doctor` says whether this host can", words::load_driver)};
    case EACCES:
    case EPERM:
        if (administrator) {
            return {
                ExitCode::host,
                fmt::format("not even root may open {}: the kernel is locked down, or this is a container",
                            device_path),
                "boot without lockdown= and with Secure Boot off (`coopctl doctor` shows the lockdown); in a "
                "container CAP_SYS_ADMIN is missing"};
        }
        return {ExitCode::host, fmt::format("no permission to open {}", device_path),
                "run coopctl as root: whoever controls a guest controls the host"};
    default:
        return {ExitCode::host, fmt::format("cannot open {}: {}", device_path, std::strerror(error))};
    }
}

} // namespace coop::ctl
