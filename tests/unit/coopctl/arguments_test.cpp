// SPDX-License-Identifier: GPL-2.0-only
// The command line.
#include "cli/arguments.hpp"
#include "failing.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

using namespace coop::ctl;

namespace {

Command const& command(std::string_view name) {
    auto const& all = commands();
    return *std::find_if(all.begin(), all.end(), [&](Command const& each) { return each.name == name; });
}

SpecOptions start(std::vector<std::string> const& words) {
    return start_options(Arguments(command("start"), words));
}

std::string bad(std::string_view name, std::vector<std::string> const& words) {
    return failing([&] {
        Arguments const arguments(command(name), words);
        if (name == "start") {
            complete_spec(start_options(arguments));
        } else if (command(name).form == Command::with_name) {
            arguments.guest_name();
        }
    });
}

} // namespace

TEST_CASE("start's options in both spellings and any order") {
    auto const options = start({"--memory", "128M", "g1", "--kernel=/k", "--initrd", "/i", "--cmdline",
                                "root=/dev/vda quiet", "--disk", "path=/a", "--disk=path=/b,readonly",
                                "--net", "user", "--net=user,restrict", "--vcpus=2", "--no-reboot"});
    CHECK(options.name == "g1");
    CHECK(options.memory == 128ull << 20);
    CHECK(options.kernel == "/k");
    CHECK(options.initrd == "/i");
    CHECK(options.cmdline == "root=/dev/vda quiet");
    CHECK(options.vcpus == 2u);
    CHECK(options.reboot == false);
    CHECK(*options.interfaces == parse_nets({"user", "user,restrict"}));
    CHECK(start({"--net", "none"}).interfaces->empty());
    CHECK(*options.disks == std::vector<DiskSpec>{{"/a", false, ""}, {"/b", true, ""}});
}

TEST_CASE("what is not said stays open for the configuration file") {
    auto const options = start({});
    CHECK_FALSE(options.name);
    CHECK_FALSE(options.memory);
    CHECK_FALSE(options.disks);
    CHECK_FALSE(options.interfaces);
    CHECK_FALSE(options.reboot);
}

TEST_CASE("bad command lines are usage errors that name the option") {
    CHECK(bad("start", {"--memroy", "1G", "g"}).starts_with("2: unrecognised option '--memroy"));
    CHECK(
        bad("start", {"--mem", "1G", "g"}).starts_with("2: unrecognised option '--mem")); // no abbreviations
    CHECK(bad("start", {"--memory"}).find("'--memory'") != std::string::npos);
    CHECK(bad("start", {"--memory", "64M", "--memory", "64M", "g"}).find("more than once") !=
          std::string::npos);
    CHECK(bad("start", {"a", "b"}).find("too many positional") != std::string::npos);
    CHECK(bad("start", {"g", "--kernel", "/k", "--vcpus", "two"}) == "2: bad number of vCPUs: 'two'");
    CHECK(bad("start", {"g", "--kernel", "/k", "--vcpus", "1x"}) == "2: bad number of vCPUs: '1x'");
    CHECK(bad("start", {"g", "--kernel", "/k", "--memory", "1Q"}) == "2: bad size '1Q': unknown unit 'Q'");
    CHECK(bad("start", {"g", "--kernel", "/k", "--disk", "img"}) ==
          "2: bad disk 'img': 'img' is not understood");
    CHECK(bad("start", {"g", "--kernel", "/k", "--net", "tap"}) == "2: unknown type of network 'tap'");
    CHECK(bad("start", {"g", "--kernel", "/k", "--net", "none", "--net", "user"}) ==
          "2: bad network 'none': there are others beside it");
    CHECK(bad("start", {"g", "--kernel", "/k", "--wait", "soon"}).starts_with("2: "));
    CHECK(bad("start", {"g"}) == "2: no kernel given");
    CHECK(bad("stop", {}) == "2: no guest name given");
    CHECK(bad("stop", {"a/b"}) == "2: bad guest name 'a/b'");
    CHECK(bad("stop", {"g", "--timeout", "x"}).starts_with("2: "));
    CHECK(bad("list", {"g"}).starts_with("2: "));
    CHECK(bad("console", {"g", "--json"}).starts_with("2: "));
}

TEST_CASE("seconds are whole and at most a day") {
    for (char const* const word :
         {"-1", "86401", "99999999", "99999999999999999999", "1.5", "1s", " 1", "x"}) {
        auto const wanted = std::string("2: bad number of seconds: '") + word + "'";
        CHECK(bad("stop", {"g", "--timeout", word}) == wanted);
        CHECK(bad("start", {"g", "--kernel", "/k", std::string("--wait=") + word}) == wanted);
    }
    Arguments const longest(command("stop"), {"g", "--timeout", "86400"});
    CHECK(longest.get<Seconds>("timeout").count == 86400);
    CHECK(Arguments(command("start"), {"--wait", "0"}).get<Seconds>("wait").count == 0);
    CHECK(Arguments(command("stop"), {"g"}).get<Seconds>("timeout").count == 30);
    CHECK(help_text(command("start")).find("(=120)") != std::string::npos);
}

TEST_CASE("every command explains itself") {
    for (auto const& each : commands()) {
        auto const text = help_text(each);
        CHECK(text.find(std::string("Usage: coopctl ") + each.name) == 0);
        CHECK(text.find("--help") != std::string::npos);
        CHECK(Arguments(each, {"--help"}).help());
        CHECK((overview().find(std::string("  ") + each.name + ' ') != std::string::npos) != each.hidden);
    }
}
