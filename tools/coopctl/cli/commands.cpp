// SPDX-License-Identifier: GPL-2.0-only
// The table of commands.
#include "cli/commands.hpp"

#include "os/host_commands.hpp"
#include "process/guest_process.hpp"

namespace coop::ctl {

namespace po = boost::program_options;

namespace {

std::vector<Command> make_table() {
    std::vector<Command> all = {
        {"start", "[--config FILE] [OPTIONS] [NAME]", "Start a guest",
         "Returns once the guest's kernel is up. NAME may come from the configuration file.",
         Command::with_name, true, false, add_start_options, start_command},
        {"stop", "NAME [OPTIONS]", "Shut a guest down",
         "Presses its power button and waits; ends it by force (exit status 4) if it takes too long.",
         Command::with_name, true, false,
         [](po::options_description& options) {
             options.add_options()("timeout",
                                   po::value<Seconds>()
                                       ->default_value({GuestProcess::default_stop_seconds})
                                       ->value_name("SECONDS"),
                                   "how long the guest may take");
         },
         stop_command},
        {"kill", "NAME", "End a guest at once", "Data the guest has not written to its disks is lost.",
         Command::with_name, true, false, nullptr, kill_command},
        {"list", "[--all]", "Show the guests", "", Command::no_name, true, false,
         [](po::options_description& options) {
             options.add_options()("all", po::bool_switch(), "also guests that have ended");
         },
         list_command},
        {"status", "NAME", "Show one guest, or how it ended", "", Command::with_name, true, false, nullptr,
         status_command},
        {"console", "NAME", "Attach to a guest's console",
         "Ctrl-] detaches. Recent output is shown first; several can attach at the same time. If standard "
         "input is not a\n"
         "terminal it is sent as it is, and output goes on after its end.",
         Command::with_name, false, false,
         [](po::options_description& options) {
             options.add_options()("no-input", po::bool_switch(), "only watch");
         },
         console_command},
        {"logs", "NAME [--follow]", "Show a guest's log: its process's and its kernel's early messages", "",
         Command::with_name, false, false,
         [](po::options_description& options) {
             options.add_options()("follow", po::bool_switch(), "go on until the guest ends");
         },
         logs_command},
        {"stats", "NAME", "Show a guest's counters", "", Command::with_name, true, false, nullptr,
         stats_command},
        {"doctor", "", "Say whether this host can run guests", "Exit status 6 if it cannot.",
         Command::no_name, true, false, nullptr, doctor_command},
        {"version", "", "Show the versions of coopctl and of the driver", "", Command::no_name, true, false,
         nullptr, version_command},
        {"run-guest", "", "The process of one guest; started by `coopctl start`", "", Command::no_name, false,
         true, nullptr, run_guest_command},
    };
    auto const more = host_commands();
    all.insert(all.end(), more.begin(), more.end());
    return all;
}

} // namespace

std::vector<Command> const& commands() {
    static auto const table = make_table();
    return table;
}

} // namespace coop::ctl
