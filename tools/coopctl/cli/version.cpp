// SPDX-License-Identifier: GPL-2.0-only
// `coopctl version`.
#include "cli/commands.hpp"
#include "cli/table.hpp"
#include "control/protocol.hpp"
#include "os/driver.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace coop::ctl {

int version_command(Arguments const& arguments) {
    nlohmann::json json = {{"coopctl", COOPCTL_VERSION},
                           {"control_abi", fmt::format("{}.{}", COOP_IOCTL_MAJOR, COOP_IOCTL_MINOR)},
                           {"guest_abi", fmt::format("{}.{}", COOP_ABI_MAJOR, COOP_ABI_MINOR)},
                           {"protocol", protocol_version},
                           {"driver", nullptr}};
    std::string driver_text;
    try {
        auto const v = open_driver()->version();
        json["driver"] = {{"build", v.build},
                          {"control_abi", fmt::format("{}.{}", v.ioctl_major, v.ioctl_minor)},
                          {"guest_abi", fmt::format("{}.{}", v.guest_abi_major, v.guest_abi_minor)}};
        driver_text = fmt::format("{} (control ABI {}.{}, guest ABI {}.{})", v.build, v.ioctl_major,
                                  v.ioctl_minor, v.guest_abi_major, v.guest_abi_minor);
    } catch (Failure const& failure) {
        driver_text = fmt::format("- ({})", failure.what());
    }
    if (arguments.json()) {
        print_json(json);
    } else {
        fmt::print("{}",
                   fields({{"coopctl", fmt::format("{} (control ABI {}.{}, guest ABI {}.{}, protocol {})",
                                                   COOPCTL_VERSION, COOP_IOCTL_MAJOR, COOP_IOCTL_MINOR,
                                                   COOP_ABI_MAJOR, COOP_ABI_MINOR, protocol_version)},
                           {"driver", driver_text}}));
    }
    return 0;
}

} // namespace coop::ctl
