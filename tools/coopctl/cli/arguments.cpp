// SPDX-License-Identifier: GPL-2.0-only
// Command lines by Boost.Program_options: long options only, never by prefix (an abbreviation would change
// its meaning when an option is added).
#include "cli/arguments.hpp"

#include "failure.hpp"
#include "os/process.hpp"
#include "spec/name.hpp"
#include "spec/size.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <ostream>
#include <sstream>

namespace coop::ctl {

namespace po = boost::program_options;

namespace {

po::options_description visible_options(Command const& command) {
    po::options_description options("Options");
    if (command.add_options != nullptr) {
        command.add_options(options);
    }
    if (command.json) {
        options.add_options()("json", po::bool_switch(), "print JSON");
    }
    options.add_options()("runtime-dir", po::value<std::string>()->value_name("DIR"),
                          "where guests have their sockets and locks")("help", "print this");
    return options;
}

} // namespace

void validate(boost::any& value, std::vector<std::string> const& words, Seconds*, int) {
    po::validators::check_first_occurrence(value);
    auto const& word = po::validators::get_single_string(words);
    Seconds seconds{};
    auto const* const end = word.data() + word.size();
    auto const [rest, error] = std::from_chars(word.data(), end, seconds.count);
    if (error != std::errc{} || rest != end || seconds.count > Seconds::most) {
        throw Failure(ExitCode::usage, fmt::format("bad number of seconds: '{}'", word),
                      fmt::format("write a whole number from 0 to {}", Seconds::most));
    }
    value = seconds;
}

std::ostream& operator<<(std::ostream& stream, Seconds seconds) {
    return stream << seconds.count;
}

Arguments::Arguments(Command const& command, std::vector<std::string> const& words) {
    auto options = visible_options(command);
    po::positional_options_description positional;
    if (command.form != Command::no_name) {
        auto const* const word = command.form == Command::with_name ? "name" : "action";
        options.add_options()(word, po::value<std::string>());
        positional.add(word, 1);
    }
    try {
        po::store(po::command_line_parser(words)
                      .options(options)
                      .positional(positional)
                      .style(po::command_line_style::allow_long |
                             po::command_line_style::long_allow_adjacent |
                             po::command_line_style::long_allow_next)
                      .run(),
                  values_);
    } catch (po::error const& error) {
        throw Failure(ExitCode::usage, error.what(), fmt::format("see `coopctl {} --help`", command.name));
    }
}

std::string Arguments::guest_name() const {
    if (!has("name")) {
        throw Failure(ExitCode::usage, "no guest name given", "`coopctl list` shows the guests there are");
    }
    auto name = get<std::string>("name");
    check_name(name);
    return name;
}

std::string Arguments::action(std::initializer_list<std::string_view> known) const {
    auto word = has("action") ? get<std::string>("action") : std::string();
    if (std::find(known.begin(), known.end(), word) == known.end()) {
        throw Failure(ExitCode::usage,
                      word.empty() ? "nothing to do was given" : fmt::format("unknown action '{}'", word),
                      fmt::format("one of: {}", fmt::join(known, " ")));
    }
    return word;
}

RuntimeDir Arguments::runtime_dir() const {
    return RuntimeDir(has("runtime-dir") ? std::filesystem::absolute(get<std::string>("runtime-dir"))
                                         : default_runtime_directory());
}

void add_start_options(po::options_description& options) {
    auto text = [](char const* name) { return po::value<std::string>()->value_name(name); };
    options.add_options()("config", text("FILE"),
                          "configuration file (TOML); options given here win over it")(
        "memory", text("SIZE"), "RAM, a multiple of 2 MiB, for instance 512M (default) or 3G")(
        "kernel", text("PATH"), "guest kernel: vmlinux or bzImage")(
        "initrd", text("PATH"), "initial RAM disk")("cmdline", text("TEXT"), "kernel command line")(
        "disk",
        po::value<std::vector<std::string>>()->composing()->value_name("path=IMAGE[,readonly][,serial=TEXT]"),
        "a disk; may be given several times, and then replaces the disks of the configuration file")(
        "net",
        po::value<std::vector<std::string>>()->composing()->value_name(
            "user[,mac=MAC][,forward=PROTO:[ADDRESS:]PORT[-GUEST-PORT]]...[,restrict][,link=down]"),
        "a network interface (default: user), or none; may be given several times, and then replaces those "
        "of the "
        "configuration file")("vcpus", text("N"), "virtual CPUs (default 1)")(
        "no-reboot", po::bool_switch(), "end when the guest reboots, instead of starting it again")(
        "wait", po::value<Seconds>()->default_value({120})->value_name("SECONDS"),
        "how long to wait for the guest's kernel to come up; 0: not at all")(
        "foreground", po::bool_switch(), "stay, with the log on standard error, until the guest has ended");
}

SpecOptions start_options(Arguments const& arguments) {
    SpecOptions options;
    auto text = [&](char const* name, std::optional<std::string>& value) {
        if (arguments.has(name)) {
            value = arguments.get<std::string>(name);
        }
    };
    text("name", options.name);
    text("kernel", options.kernel);
    text("initrd", options.initrd);
    text("cmdline", options.cmdline);
    if (options.name) {
        check_name(*options.name);
    }
    if (arguments.has("memory")) {
        options.memory = check_memory(parse_size(arguments.get<std::string>("memory")));
    }
    if (arguments.has("vcpus")) {
        auto const word = arguments.get<std::string>("vcpus");
        std::int64_t count = 0;
        std::istringstream stream(word);
        if (!(stream >> count) || !stream.eof()) {
            throw Failure(ExitCode::usage, fmt::format("bad number of vCPUs: '{}'", word),
                          "write a whole number");
        }
        options.vcpus = check_vcpus(count);
    }
    if (arguments.has("disk")) {
        options.disks.emplace();
        for (auto const& word : arguments.get<std::vector<std::string>>("disk")) {
            options.disks->push_back(parse_disk(word));
        }
    }
    if (arguments.has("net")) {
        options.interfaces = parse_nets(arguments.get<std::vector<std::string>>("net"));
    }
    if (arguments.flag("no-reboot")) {
        options.reboot = false;
    }
    return options;
}

std::string help_text(Command const& command) {
    std::ostringstream text;
    text << "Usage: coopctl " << command.name << ' ' << command.synopsis << "\n\n"
         << command.summary << ".\n";
    if (*command.details != '\0') {
        text << command.details << '\n';
    }
    text << '\n' << visible_options(command);
    return text.str();
}

std::string overview() {
    std::string text =
        "Usage: coopctl COMMAND [OPTIONS] [NAME]\n\nRuns Linux guests beside this kernel.\n\nCommands:\n";
    for (auto const& command : commands()) {
        if (!command.hidden) {
            text += fmt::format("  {:<9} {}\n", command.name, command.summary);
        }
    }
    return text + "\n`coopctl COMMAND --help` explains a command. Exit status: 0 done, 1 failed, 2 usage, 3 "
                  "no such guest,\n"
                  "4 the guest ended abnormally, 5 not ready in time, 6 this host cannot run guests.\n";
}

} // namespace coop::ctl
