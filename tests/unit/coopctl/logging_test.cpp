// SPDX-License-Identifier: GPL-2.0-only
// A guest's log: two files of bounded size, none of which is another guest's.
#include "control/runtime_dir.hpp"
#include "process/logging.hpp"
#include "temporary_directory.hpp"

#include <catch2/catch.hpp>

using namespace coop::ctl;
namespace fs = std::filesystem;

TEST_CASE("a log that is full becomes the older one") {
    TemporaryDirectory const temporary;
    RuntimeDir const directory(temporary.path());
    boost::asio::io_context io;
    Stream stream(1024);
    ProcessLog log(io, directory.log("a"), directory.older_log("a"), false, stream);
    for (int i = 0; i < 600; ++i) { // 2.4 MiB
        log.guest(std::string(4000, 'x') + '\n');
    }
    log.own().info("the last words");
    CHECK(fs::file_size(directory.log("a")) <= ProcessLog::file_most);
    CHECK(fs::file_size(directory.older_log("a")) <= ProcessLog::file_most);
    CHECK(fs::file_size(directory.older_log("a")) > ProcessLog::file_most - 8192);
    std::ifstream file(directory.log("a"));
    std::string const text((std::istreambuf_iterator<char>(file)), {});
    CHECK(text.ends_with("coopctl: the last words\n"));
    CHECK_FALSE(fs::exists(directory.log("a.1"))); // another guest's
    for (auto const& other : {"a.1", "a.log", "a.log.1", "1"}) {
        CHECK(directory.log(other) != directory.older_log("a"));
    }
}

TEST_CASE("a log goes on where the last process left it") {
    TemporaryDirectory const temporary;
    RuntimeDir const directory(temporary.path());
    temporary.write("a.log", "earlier\n");
    boost::asio::io_context io;
    Stream stream(1024);
    ProcessLog log(io, directory.log("a"), directory.older_log("a"), false, stream);
    log.own().info("later");
    std::ifstream file(directory.log("a"));
    std::string const text((std::istreambuf_iterator<char>(file)), {});
    CHECK(text.starts_with("earlier\n"));
    CHECK(text.ends_with("later\n"));
    CHECK_FALSE(fs::exists(directory.older_log("a")));
}
