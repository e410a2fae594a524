// SPDX-License-Identifier: GPL-2.0-only
// BlockFile on NT: locks that the system enforces, and what is no disk.
#include "block_file_helpers.hpp"

#include <catch2/catch.hpp>
#include <fstream>
#include <thread>

using Catch::Matchers::Contains;
using coop::BlockFile;
using namespace coop::test;

TEST_CASE("what is no file and no disk is not opened", "[block_file]") {
    CHECK_THAT(refusal("NUL", true), Contains("neither a regular file nor a disk"));
    CHECK_THAT(refusal(R"(\\.\PhysicalDrive99)"), Contains("cannot open") && Contains("No such file"));
}

TEST_CASE("nobody else opens an image that is written", "[block_file]") {
    Directory const directory;
    auto const image = directory.file("image", 1024);
    auto const writer = BlockFile::open(image, false);
    REQUIRE(writer);
    CHECK_FALSE(std::ifstream(image).is_open());
}

TEST_CASE("many requests are in flight at once, each whole", "[block_file]") {
    Directory const directory;
    constexpr std::size_t part = 1 << 16;
    constexpr int threads = 8;
    auto const file = BlockFile::open(directory.file("image", part * threads), false);
    REQUIRE(file);
    std::vector<std::thread> all;
    for (int i = 0; i < threads; ++i) {
        all.emplace_back([&, i] {
            for (int round = 0; round < 20; ++round) {
                write(**file, part * static_cast<std::size_t>(i), bytes(part, 'a' + i));
            }
        });
    }
    for (auto& thread : all) {
        thread.join();
    }
    auto const contents = contents_of(**file);
    for (int i = 0; i < threads; ++i) {
        CHECK(contents.substr(part * static_cast<std::size_t>(i), part) ==
              std::string(part, static_cast<char>('a' + i)));
    }
    CHECK_FALSE((*file)->flush());
}
