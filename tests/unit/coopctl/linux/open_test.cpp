// SPDX-License-Identifier: GPL-2.0-only
// A device that cannot be opened, and who may reach what is ours.
#include "control/runtime_dir.hpp"
#include "failing.hpp"
#include "os/control_socket.hpp"
#include "os/driver.hpp"
#include "temporary_directory.hpp"

#include <cerrno>
#include <sys/stat.h>
#include <unistd.h>

using namespace coop::ctl;

TEST_CASE("a device that cannot be opened: why, and what to do") {
    CHECK(std::string(explain_open(ENOENT, true).what()).find("module is not loaded") != std::string::npos);
    CHECK(explain_open(ENOENT, true).advice().find("insmod build/release/hosts/linux/") != std::string::npos);
    CHECK(std::string(explain_open(EPERM, true).what()).find("locked down") != std::string::npos);
    CHECK(explain_open(EPERM, true).advice().find("lockdown=") != std::string::npos);
    CHECK(explain_open(EPERM, false).advice().starts_with("run coopctl as root"));
    CHECK(explain_open(EACCES, false).code() == ExitCode::host);
    CHECK(std::string(explain_open(EMFILE, true).what()) == "cannot open /dev/coop: Too many open files");
}

TEST_CASE("the control socket is its owner's") {
    TemporaryDirectory const temporary;
    boost::asio::io_context io;
    auto const listener = ControlListener::create(io, temporary.path() / "g.sock");
    struct stat info {};
    REQUIRE(stat((temporary.path() / "g.sock").c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0600);
}

TEST_CASE("whoever may not look into the directory is told to be root, by status 6") {
    TemporaryDirectory const temporary;
    auto const path = temporary.path() / "run";
    REQUIRE(mkdir(path.c_str(), 0700) == 0);
    REQUIRE(chmod(path.c_str(), 0) == 0);
    bool const root = geteuid() == 0;
    if (root) { // whom no mode keeps out
        REQUIRE(seteuid(65534) == 0);
    }
    auto const told = failing([&] { RuntimeDir(path).check_readable(); });
    if (root) {
        REQUIRE(seteuid(0) == 0);
    }
    CHECK(told == "6: cannot read " + path.string() + ": Permission denied");
    CHECK(failing([&] { RuntimeDir(temporary.write("file", "")).check_readable(); }).starts_with("1: "));
    CHECK(failing([&] { RuntimeDir(temporary.path() / "none").check_readable(); }) == "");
}

TEST_CASE("the directory is private or refused") {
    TemporaryDirectory const temporary;
    RuntimeDir const directory(temporary.path() / "coop");
    directory.prepare();
    struct stat info {};
    REQUIRE(stat(directory.path().c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0700);
    directory.prepare(); // again is fine
    REQUIRE(chmod(directory.path().c_str(), 0755) == 0);
    CHECK(failing([&] { directory.prepare(); }) ==
          "1: " + directory.path().string() + " is not a private directory of this user");
    std::filesystem::create_symlink(temporary.path(), temporary.path() / "link");
    CHECK(failing([&] { RuntimeDir(temporary.path() / "link").prepare(); }) ==
          "1: " + (temporary.path() / "link").string() + " is not a private directory of this user");
    CHECK(
        failing([&] { RuntimeDir(temporary.path() / "a" / "b").prepare(); }).starts_with("1: cannot make "));
}
