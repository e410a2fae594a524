// SPDX-License-Identifier: GPL-2.0-only
// coopctl: finds the command, runs it, reports failure.
#include "cli/arguments.hpp"
#include "failure.hpp"
#include "os/process.hpp"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <fmt/format.h>
#include <system_error>

namespace {

using namespace coop::ctl;

int run(std::vector<std::string> words) {
    if (words.empty()) {
        fmt::print(stderr, "{}", overview());
        return static_cast<int>(ExitCode::usage);
    }
    auto const word = words.front() == "--version" ? std::string("version") : words.front();
    if (word == "--help" || word == "-h" || word == "help") {
        fmt::print("{}", overview());
        return 0;
    }
    words.erase(words.begin());
    auto const& all = commands();
    auto const command =
        std::find_if(all.begin(), all.end(), [&](Command const& each) { return each.name == word; });
    if (command == all.end()) {
        throw Failure(ExitCode::usage, fmt::format("unknown command '{}'", word),
                      "`coopctl --help` lists the commands");
    }
    Arguments const arguments(*command, words);
    if (arguments.help()) {
        fmt::print("{}", help_text(*command));
        return 0;
    }
    return command->run(arguments);
}

// Standard error may be a pipe that nobody reads: then there is nobody to tell.
void complain(std::string const& text) {
    try {
        fmt::print(stderr, "{}", text);
    } catch (std::system_error const&) { // NOLINT(bugprone-empty-catch)
    }
}

} // namespace

int main(int count, char** words) {
    try {
        int const status = run(begin_process(count, words));
        return std::fflush(stdout) == 0 ? status : static_cast<int>(ExitCode::failure);
    } catch (Failure const& failure) {
        complain(fmt::format("coopctl: {}\n", failure.what()));
        if (!failure.advice().empty()) {
            complain(fmt::format("  {}\n", failure.advice()));
        }
        return static_cast<int>(failure.code());
    } catch (std::exception const& error) {
        complain(fmt::format("coopctl: {}\n", error.what()));
        return static_cast<int>(ExitCode::failure);
    }
}
