// SPDX-License-Identifier: GPL-2.0-only
// The service's entry in the service manager, and its way into service_run.cpp.
#include "os/windows/service_command.hpp"

#include "cli/table.hpp"
#include "os/windows/event_log.hpp"
#include "os/windows/service_run.hpp"
#include "os/windows/services.hpp"
#include "os/windows/spawn.hpp"
#include "os/windows/text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace coop::ctl {

namespace {

void install(Arguments const& arguments) {
    auto const directory = arguments.runtime_dir();
    directory.prepare();
    std::error_code error;
    auto const guests = guests_directory(directory);
    std::filesystem::create_directory(guests, error);
    if (error) {
        throw Failure(ExitCode::failure, fmt::format("cannot make {}: {}", guests.string(), error.message()));
    }
    std::vector<std::string> command = {to_utf8(own_program().wstring()), "service", "run"};
    if (arguments.has("runtime-dir")) {
        command.insert(command.end(), {"--runtime-dir", directory.path().string()});
    }
    install_service({guests_service, L"Cooperative Linux guests",
                     L"Starts the configured Linux guests, and shuts them down before the system does.",
                     false, quote_arguments(command)});
    register_event_source();
}

int print_state(Arguments const& arguments) {
    auto const state = service_state(guests_service);
    if (arguments.json()) {
        print_json({{"state", state_word(state)}});
    } else {
        fmt::print("service: {}\n", state_word(state));
    }
    return static_cast<int>(state == ServiceState::running ? ExitCode::ok : ExitCode::no_guest);
}

} // namespace

int service_command(Arguments const& arguments) {
    auto const action = arguments.action({"install", "remove", "start", "stop", "status", "run"});
    if (action == "install") {
        install(arguments);
    } else if (action == "remove") {
        remove_service(guests_service);
        unregister_event_source();
    } else if (action == "start") {
        start_service(guests_service);
    } else if (action == "stop") {
        stop_service(guests_service);
    } else if (action == "run") {
        run_service(arguments.runtime_dir());
    }
    return action == "status" ? print_state(arguments) : 0;
}

} // namespace coop::ctl
