// SPDX-License-Identifier: GPL-2.0-only
// `coopctl stop` and `coopctl kill`.
#include "cli/client.hpp"
#include "cli/commands.hpp"
#include "cli/table.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace coop::ctl {

namespace {

void print_end(Arguments const& arguments, EndResult const& result) {
    if (arguments.json()) {
        print_json(to_json(result));
    } else {
        fmt::print("guest '{}': {}\n", result.name, result.text);
    }
}

} // namespace

int stop_command(Arguments const& arguments) {
    Client client(arguments.runtime_dir(), arguments.guest_name());
    client.request(StopRequest{arguments.get<Seconds>("timeout").count});
    auto const result = client.wait_for_end();
    print_end(arguments, result);
    return static_cast<int>(result.abnormal ? ExitCode::guest_failed : ExitCode::ok);
}

int kill_command(Arguments const& arguments) {
    Client client(arguments.runtime_dir(), arguments.guest_name());
    client.request(KillRequest{});
    print_end(arguments, client.wait_for_end()); // whatever the reason: it is gone, as was asked
    return 0;
}

} // namespace coop::ctl
