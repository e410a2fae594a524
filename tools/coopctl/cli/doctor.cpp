// SPDX-License-Identifier: GPL-2.0-only
// `coopctl doctor`: can this host run guests?
#include "cli/commands.hpp"
#include "cli/doctor_checks.hpp"
#include "cli/table.hpp"
#include "failure.hpp"
#include "os/driver.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace coop::ctl {

namespace {

char const* word(Verdict verdict) {
    switch (verdict) {
    case Verdict::good:
        return "ok";
    case Verdict::note:
        return "note";
    case Verdict::problem:
        return "PROBLEM";
    case Verdict::unknown:
        break;
    }
    return "unknown";
}

void ask_driver(std::vector<Check>& checks) {
    try {
        auto const driver = open_driver();
        add_driver_checks(checks, *driver);
    } catch (Failure const& failure) {
        replace_check(checks, {"device", "Device", Verdict::problem, failure.what(), failure.advice()});
    }
}

} // namespace

int doctor_command(Arguments const& arguments) {
    auto checks = host_checks();
    ask_driver(checks);
    auto const problem = std::find_if(checks.begin(), checks.end(),
                                      [](Check const& each) { return each.verdict == Verdict::problem; });
    bool const fit = problem == checks.end();
    if (arguments.json()) {
        auto list = nlohmann::json::array();
        for (auto const& check : checks) {
            list.push_back({{"id", check.id},
                            {"verdict", word(check.verdict)},
                            {"value", check.value},
                            {"advice", check.advice}});
        }
        print_json({{"fit", fit}, {"checks", list}});
    } else {
        std::vector<std::vector<std::string>> rows;
        rows.reserve(checks.size());
        for (auto const& check : checks) {
            rows.push_back(
                {check.title, word(check.verdict),
                 check.advice.empty() ? check.value : fmt::format("{} ({})", check.value, check.advice)});
        }
        fmt::print(
            "{}\n{}\n", table(rows),
            fit ? "This host can run guests."
                : fmt::format("This host cannot run guests now: {}: {}.", problem->title, problem->value));
    }
    return static_cast<int>(fit ? ExitCode::ok : ExitCode::host);
}

} // namespace coop::ctl
