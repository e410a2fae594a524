// SPDX-License-Identifier: GPL-2.0-only
// One command of coopctl: how it is called, what it says of itself, and the parsed form of its arguments.
#pragma once

#include "control/runtime_dir.hpp"
#include "spec/guest_spec.hpp"

#include <boost/program_options.hpp>
#include <initializer_list>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace coop::ctl {

struct Command;

// A time limit as an option's value: whole seconds, up to a day.
struct Seconds {
    static constexpr unsigned most = 86400;
    unsigned count;
};
// For Boost.Program_options. Throws Failure (usage).
void validate(boost::any& value, std::vector<std::string> const& words, Seconds*, int);
std::ostream& operator<<(std::ostream& stream, Seconds seconds);

class Arguments {
public:
    // Throws Failure (usage).
    Arguments(Command const& command, std::vector<std::string> const& words);

    bool help() const { return values_.count("help") != 0; }
    bool flag(char const* option) const { return values_[option].as<bool>(); }
    bool json() const { return values_.count("json") != 0 && flag("json"); }
    template <typename T>
    T get(char const* option) const {
        return values_[option].as<T>();
    }
    bool has(char const* option) const { return values_.count(option) != 0; }
    // NAME, checked. Throws Failure (usage) if it is missing.
    std::string guest_name() const;
    // ACTION, one of those. Throws Failure (usage).
    std::string action(std::initializer_list<std::string_view> known) const;
    RuntimeDir runtime_dir() const;

private:
    boost::program_options::variables_map values_;
};

struct Command {
    enum Form { no_name, with_name, with_action };
    char const* name;
    char const* synopsis; // behind the name
    char const* summary;
    char const* details; // more for --help; may be empty
    Form form;
    bool json;
    bool hidden;
    void (*add_options)(boost::program_options::options_description&); // may be null
    int (*run)(Arguments const&); // returns the exit status; throws Failure
};

std::vector<Command> const& commands();
std::string help_text(Command const& command);
std::string overview();

// The words of `coopctl start` as SpecOptions, without the configuration file.
void add_start_options(boost::program_options::options_description& options);
SpecOptions start_options(Arguments const& arguments);

} // namespace coop::ctl
