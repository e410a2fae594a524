// SPDX-License-Identifier: GPL-2.0-only
// `coopctl start`, and `coopctl run-guest`: the per-guest process that it starts. They talk over the child's
// standard input (the guest's description) and output (reports, as lines of the control protocol's form).
#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/report.hpp"
#include "cli/table.hpp"
#include "failure.hpp"
#include "os/process.hpp"
#include "os/words.hpp"
#include "process/guest_process.hpp"
#include "spec/config_file.hpp"

#include <chrono>
#include <cstdio>
#include <fmt/format.h>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

namespace coop::ctl {

namespace {

GuestSpec spec_from(Arguments const& arguments) {
    SpecOptions options;
    if (arguments.has("config")) {
        options = read_config_file(arguments.get<std::string>("config"));
    }
    options.override_with(start_options(arguments));
    return complete_spec(options);
}

int exit_status(EndResult const& result) {
    return static_cast<int>(result.abnormal ? ExitCode::guest_failed : ExitCode::ok);
}

int run_in_foreground(Arguments const& arguments, GuestSpec const& spec) {
    GuestProcess process(arguments.runtime_dir(), spec, open_driver, true, {});
    return exit_status(process.run());
}

void report(nlohmann::json const& message) {
    auto const line = encode(message);
    std::fwrite(line.data(), 1, line.size(), stdout);
    std::fflush(stdout);
}

[[noreturn]] void ended_early(Arguments const& arguments, GuestSpec const& spec, EndResult const& result) {
    print_log_tail(arguments.runtime_dir(), spec.name);
    throw Failure(ExitCode::guest_failed,
                  fmt::format("the guest ended before its kernel was up: {}", result.text),
                  fmt::format("the end of its log is above; `coopctl logs {}` has all", spec.name));
}

// Follows the child's reports until the guest is up.
int wait_until_ready(Arguments const& arguments, GuestSpec const& spec, Child& child) {
    using Clock = std::chrono::steady_clock;
    auto const seconds = arguments.get<Seconds>("wait").count;
    auto deadline = Clock::time_point::max();
    LineBuffer lines;
    for (;;) {
        while (auto const line = lines.next()) {
            auto const message = decode_object(*line);
            auto const type = message.value("type", "");
            if (type == "error") {
                throw Failure(static_cast<ExitCode>(message.value("code", 1)), message.value("message", ""),
                              message.value("advice", ""));
            }
            if (type == "end") {
                ended_early(arguments, spec, end_from_json(message.at("result")));
            }
            if (type ==
                "started") { // its memory is taken and it runs: from here on the kernel's own time counts
                deadline = Clock::now() + std::chrono::seconds(seconds);
            }
            if (type == "ready" || (type == "started" && seconds == 0)) {
                if (arguments.json()) {
                    print_json({{"name", spec.name}, {"pid", child.id()}, {"ready", type == "ready"}});
                } else {
                    fmt::print("guest '{}' {} (process {})\n", spec.name, type == "ready" ? "runs" : "starts",
                               child.id());
                }
                return 0;
            }
        }
        std::string data;
        auto const got = child.read_some(data, 200);
        lines.append(data);
        if (got == Child::Read::end) {
            print_log_tail(arguments.runtime_dir(), spec.name);
            throw Failure(ExitCode::failure,
                          fmt::format("the process of guest '{}' died while starting", spec.name));
        }
        if (got == Child::Read::timeout && Clock::now() >= deadline) {
            throw Failure(
                ExitCode::timeout,
                fmt::format("guest '{}' runs, but its kernel is not up after {} s", spec.name, seconds),
                fmt::format("it goes on; see `coopctl logs {0}`, end it with `coopctl kill {0}`", spec.name));
        }
    }
}

} // namespace

int start_command(Arguments const& arguments) {
    ignore_broken_pipes(); // a guest does not end because nobody reads its log any more
    auto const spec = spec_from(arguments);
    if (!is_administrator()) {
        throw Failure(ExitCode::host, fmt::format("only {} can start guests", words::administrator),
                      fmt::format("{}: a guest has the host's rights", words::become_administrator));
    }
    if (arguments.flag("foreground")) {
        return run_in_foreground(arguments, spec);
    }
    auto const child =
        spawn_self({"coopctl", "run-guest", "--runtime-dir", arguments.runtime_dir().path().string()});
    child->write_all(encode(to_json(spec)));
    return wait_until_ready(arguments, spec, *child);
}

int run_guest_command(Arguments const& arguments) {
    name_this_thread("coopctl"); // not "exe", which is what was executed
    ignore_broken_pipes();       // the starter may lose interest
    try {
        std::string const text((std::istreambuf_iterator<char>(std::cin)), std::istreambuf_iterator<char>());
        bool reporting = true;
        GuestProcess process(arguments.runtime_dir(), spec_from_json(decode_object(text)), open_driver, false,
                             [&] {
                                 report({{"type", "ready"}});
                                 drop_standard_streams();
                                 reporting = false;
                             });
        report({{"type", "started"}});
        auto const result = process.run();
        if (reporting) {
            report(end_message(to_json(result)));
        }
        return exit_status(result);
    } catch (Failure const& failure) {
        report(error_message(failure));
        return static_cast<int>(failure.code());
    } catch (std::exception const& error) { // memory, most likely
        report(error_message(Failure(ExitCode::failure, error.what())));
        return static_cast<int>(ExitCode::failure);
    }
}

} // namespace coop::ctl
