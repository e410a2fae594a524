// SPDX-License-Identifier: GPL-2.0-only
// `coopctl driver` and `coopctl service`.
#include "os/host_commands.hpp"

#include "os/windows/driver_command.hpp"
#include "os/windows/service_command.hpp"

namespace coop::ctl {

namespace po = boost::program_options;

std::vector<Command> host_commands() {
    return {
        {"driver", "install|remove|start|stop|status", "Manage the coop driver",
         "`install` registers coop.sys, of this program's directory unless --file names another; `remove` "
         "stops it "
         "first.\nExit status of `status`: 0 if the driver runs, else 6.",
         Command::with_action, true, false,
         [](po::options_description& options) {
             options.add_options()("file", po::value<std::string>()->value_name("PATH"), "the driver's file");
         },
         driver_command},
        {"service", "install|remove|start|stop|status|run", "Manage the service that runs guests",
         "The service starts a guest for each configuration file (*.toml) in the directory `guests` beside "
         "the "
         "runtime\ndirectory, and shuts all guests down when it stops or the host shuts down. `run` is what "
         "the "
         "system calls.",
         Command::with_action, true, false, nullptr, service_command},
    };
}

} // namespace coop::ctl
