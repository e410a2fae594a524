// SPDX-License-Identifier: GPL-2.0-only
// BlockFile on any system: what it opens, what it refuses, and that its operations do all or fail.
#include "block_file_helpers.hpp"

#include <catch2/catch.hpp>

#include <random>

using Catch::Matchers::Contains;
using coop::BlockFile;
using namespace coop::test;

TEST_CASE("only what can be a disk is opened", "[block_file]") {
    Directory const directory;
    auto const missing = (directory.path() / "missing").string();
    CHECK_THAT(refusal(missing), Contains("cannot open") && Contains("No such file"));
    CHECK_FALSE(std::filesystem::exists(missing));
    CHECK_THAT(refusal(directory.path().string(), true), Contains("neither a regular file"));
    CHECK_THAT(refusal(directory.file("empty", 0)), Contains("0 bytes"));
    CHECK_THAT(refusal(directory.file("odd", 513)), Contains("513 bytes") && Contains("512"));
    auto const image = directory.file("image", 1024);
    auto const file = BlockFile::open(image, false);
    REQUIRE(file);
    CHECK((*file)->size() == 1024);
}

TEST_CASE("one writer, or many readers", "[block_file]") {
    Directory const directory;
    auto const image = directory.file("image", 1024);
    {
        auto const writer = BlockFile::open(image, false);
        REQUIRE(writer);
        CHECK_THAT(refusal(image, false), Contains("in use"));
        CHECK_THAT(refusal(image, true), Contains("in use for writing"));
    }
    auto const one = BlockFile::open(image, true);
    auto const two = BlockFile::open(image, true);
    CHECK(one);
    CHECK(two);
    CHECK_THAT(refusal(image, false), Contains("in use"));
}

TEST_CASE("a read-only image is not written", "[block_file]") {
    Directory const directory;
    auto const file = BlockFile::open(directory.file("image", 1024), true);
    REQUIRE(file);
    CHECK((*file)->read_only());
    CHECK_FALSE((*file)->can_discard());
    CHECK(write(**file, 0, bytes(512, 1)));
}

TEST_CASE("vectors of any shape are transferred whole", "[block_file]") {
    Directory const directory;
    auto const image = directory.file("image", 1 << 20);
    auto const file = BlockFile::open(image, false);
    REQUIRE(file);
    // More pieces than one system call takes, some of them empty.
    std::mt19937 random{8};
    std::vector<std::vector<std::byte>> pieces;
    std::vector<std::span<std::byte const>> list;
    std::string expected;
    for (int i = 0; i < 3000; ++i) {
        pieces.push_back(bytes(random() % 200, static_cast<int>(random() % 256)));
        expected.append(reinterpret_cast<char const*>(pieces.back().data()), pieces.back().size());
    }
    list.assign(pieces.begin(), pieces.end());
    REQUIRE_FALSE((*file)->write(1000, list));
    CHECK(contents_of(**file).substr(1000, expected.size()) == expected);
    CHECK(contents_of(**file).substr(0, 1000) == std::string(1000, 'x'));

    std::vector<std::vector<std::byte>> back;
    std::vector<std::span<std::byte>> into;
    for (auto const& piece : pieces) {
        back.push_back(bytes(piece.size(), 0));
    }
    into.assign(back.begin(), back.end());
    REQUIRE_FALSE((*file)->read(1000, into));
    CHECK(back == pieces);
    CHECK_FALSE((*file)->flush());
    CHECK(std::filesystem::file_size(image) == 1 << 20);
}

TEST_CASE("zeroes and discards", "[block_file]") {
    Directory const directory;
    auto const image = directory.file("image", 1 << 20);
    auto const file = BlockFile::open(image, false);
    REQUIRE(file);
    bool const may_discard = GENERATE(false, true);
    REQUIRE_FALSE((*file)->write_zeroes(512, 300 * 1024 + 512, may_discard));
    auto const contents = contents_of(**file);
    CHECK(contents.size() == 1 << 20);
    CHECK(contents.substr(0, 512) == std::string(512, 'x'));
    CHECK(contents.substr(512, 301 * 1024 - 512) == std::string(301 * 1024 - 512, '\0'));
    CHECK(contents[301 * 1024] == 'x');
    CHECK_FALSE((*file)->discard(512 * 1024, 256 * 1024)); // advice, not an error
    CHECK(std::filesystem::file_size(image) == 1 << 20);
}
