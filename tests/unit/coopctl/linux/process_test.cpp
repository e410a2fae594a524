// SPDX-License-Identifier: GPL-2.0-only
// The detached child: what it inherits. The child is this test program, with the hidden test below.
#include "os/process.hpp"

#include <catch2/catch.hpp>
#include <cstdio>
#include <fcntl.h>
#include <unistd.h>

using namespace coop::ctl;

namespace {

constexpr int inherited = 200;

} // namespace

TEST_CASE("child: tell whether a descriptor is open", "[.inherited-descriptor]") {
    std::puts(fcntl(inherited, F_GETFD) < 0 ? "it is closed" : "it is open");
    std::fflush(stdout);
}

TEST_CASE("a guest's process inherits no descriptor of its starter") {
    int const null = open("/dev/null", O_RDONLY);
    REQUIRE(null >= 0);
    REQUIRE(dup2(null, inherited) == inherited); // without O_CLOEXEC, as shells leave them
    close(null);
    auto const child = spawn_self({"coopctl_test", "[inherited-descriptor]"});
    child->write_all("");
    std::string text;
    auto got = Child::Read::data;
    for (int i = 0; i < 600 && got != Child::Read::end; ++i) {
        got = child->read_some(text, 100);
    }
    close(inherited);
    CHECK(got == Child::Read::end);
    CHECK(text.find("it is closed") != std::string::npos);
}
