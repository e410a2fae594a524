// SPDX-License-Identifier: GPL-2.0-only
// coop.sys as the service manager has it.
#include "os/windows/driver_command.hpp"

#include "cli/table.hpp"
#include "os/windows/services.hpp"
#include "os/windows/spawn.hpp"
#include "os/windows/text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace coop::ctl {

namespace {

std::filesystem::path driver_file(Arguments const& arguments) {
    auto const file = arguments.has("file") ? std::filesystem::absolute(arguments.get<std::string>("file"))
                                            : own_program().parent_path() / "coop.sys";
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(file, ignored)) {
        throw Failure(ExitCode::failure, fmt::format("cannot install the driver: no file {}", file.string()),
                      "name coop.sys with --file");
    }
    return file;
}

int print_state(Arguments const& arguments) {
    auto const state = service_state(driver_service);
    if (arguments.json()) {
        print_json({{"state", state_word(state)}});
    } else {
        fmt::print("driver: {}\n", state_word(state));
    }
    return static_cast<int>(state == ServiceState::running ? ExitCode::ok : ExitCode::host);
}

} // namespace

int driver_command(Arguments const& arguments) {
    auto const action = arguments.action({"install", "remove", "start", "stop", "status"});
    if (action == "install") {
        install_service({driver_service, L"Cooperative Linux", L"Runs Linux guests beside this system.", true,
                         driver_file(arguments).wstring()});
    } else if (action == "remove") {
        remove_service(driver_service);
    } else if (action == "start") {
        start_service(driver_service);
    } else if (action == "stop") {
        stop_service(driver_service);
    }
    return action == "status" ? print_state(arguments) : 0;
}

} // namespace coop::ctl
