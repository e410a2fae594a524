// SPDX-License-Identifier: GPL-2.0-only
// A device that cannot be opened, and who may reach what is ours.
#include "control/runtime_dir.hpp"
#include "failing.hpp"
#include "os/control_socket.hpp"
#include "os/driver.hpp"
#include "os/windows/security.hpp"
#include "temporary_directory.hpp"

using namespace coop::ctl;

TEST_CASE("a device that cannot be opened: why, and what to do") {
    CHECK(std::string(explain_open(ERROR_FILE_NOT_FOUND, true).what()).find("the coop driver does not run") !=
          std::string::npos);
    CHECK(explain_open(ERROR_FILE_NOT_FOUND, true).advice().find("coopctl driver start") !=
          std::string::npos);
    CHECK(explain_open(ERROR_ACCESS_DENIED, false).advice().find("Run as administrator") !=
          std::string::npos);
    CHECK(explain_open(ERROR_ACCESS_DENIED, true).code() == ExitCode::host);
    CHECK(std::string(explain_open(ERROR_TOO_MANY_OPEN_FILES, true).what()) ==
          R"(cannot open \\.\coop: Too many open files)");
}

TEST_CASE("a directory of our own is private, one that lets others in is refused") {
    TemporaryDirectory const temporary;
    RuntimeDir const directory(temporary.path() / "coop");
    directory.prepare();
    directory.prepare(); // again is fine
    auto const open = temporary.path() / "open";
    REQUIRE(std::filesystem::create_directory(open));
    CHECK(failing([&] { RuntimeDir(open).prepare(); }) ==
          "1: " + open.string() + " is not a private directory of this user");
    CHECK(
        failing([&] { RuntimeDir(temporary.path() / "a" / "b").prepare(); }).starts_with("1: cannot make "));
    CHECK(failing([&] { RuntimeDir(temporary.write("file", "")).check_readable(); }).starts_with("1: "));
    CHECK(failing([&] { RuntimeDir(temporary.path() / "none").check_readable(); }) == "");
}

TEST_CASE("the control pipe's name is not to be guessed, and only the file tells it") {
    TemporaryDirectory const temporary;
    boost::asio::io_context io;
    auto const path = temporary.path() / "g.sock";
    std::string names[2];
    for (auto& name : names) {
        auto const listener = ControlListener::create(io, path);
        std::ifstream(path) >> name;
    }
    CHECK(names[0].size() == 37);
    CHECK(names[0] != names[1]);
    CHECK_FALSE(std::filesystem::exists(path));
    temporary.write("g.sock", "..\\..\\evil");
    CHECK(failing([&] { connect_control(io, path); }).starts_with("3: cannot reach "));
}
