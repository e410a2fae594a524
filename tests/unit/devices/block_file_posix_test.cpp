// SPDX-License-Identifier: GPL-2.0-only
// BlockFile on POSIX systems, where other processes may do what they like with an image.
#include "block_file_helpers.hpp"

#include <catch2/catch.hpp>

#include <csignal>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

using Catch::Matchers::Contains;
using coop::BlockFile;
using namespace coop::test;

TEST_CASE("what is no file and no block device is not opened", "[block_file]") {
    Directory const directory;
    CHECK_THAT(refusal("/dev/zero"), Contains("neither a regular file"));
    auto const fifo = (directory.path() / "fifo").string();
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    CHECK_THAT(refusal(fifo, true), Contains("neither a regular file"));
}

// The test claims a device as a mount does. Needs one that this user may open; nothing is written to it.
TEST_CASE("a device that the host uses is not written", "[block_file]") {
    for (char const* const name : {"loop0", "loop1", "zram0", "ram0"}) {
        auto const path = std::string("/dev/") + name;
        int const claim = ::open(path.c_str(), O_RDONLY | O_EXCL | O_CLOEXEC);
        if (claim >= 0) {
            CHECK_THAT(refusal(path), Contains("is in use by the host (mounted?)"));
            CHECK_THAT(refusal(path, true), !Contains("in use by the host"));
            ::close(claim);
            return;
        }
    }
    WARN("not checked: no block device that can be claimed");
}

TEST_CASE("a file that shrank gives an error, not old data", "[block_file]") {
    Directory const directory;
    auto const image = directory.file("image", 4096);
    auto const file = BlockFile::open(image, false);
    REQUIRE(file);
    std::filesystem::resize_file(image, 1024);
    auto data = bytes(1024, 0);
    std::array const list{std::span{data}};
    CHECK_FALSE((*file)->read(0, list));
    CHECK((*file)->read(512, list));
    CHECK((*file)->read(2048, list));
}

TEST_CASE("a write that the system cuts short fails", "[block_file]") {
    Directory const directory;
    auto const image = directory.file("image", 8192);
    auto const file = BlockFile::open(image, false);
    REQUIRE(file);
    std::filesystem::resize_file(image, 1024);
    auto* const before = std::signal(SIGXFSZ, SIG_IGN);
    rlimit old{};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &old) == 0);
    rlimit const low{2048, old.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &low) == 0);
    auto const error = write(**file, 1024, bytes(4096, 1)); // 1024 bytes go in, then none
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &old) == 0);
    std::signal(SIGXFSZ, before);
    CHECK(error == std::errc::file_too_large);
}

TEST_CASE("the file system makes the zeroes if it can", "[block_file]") {
    Directory const directory;
    auto const image = directory.file("image", 64 * 1024);
    int const fd = ::open(image.c_str(), O_RDWR | O_CLOEXEC);
    bool const can = ::fallocate(fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, 0, 512) == 0;
    ::close(fd);
    auto const file = BlockFile::open(image, false);
    REQUIRE(file);
    rlimit old{};
    auto* const before = std::signal(SIGXFSZ, SIG_IGN);
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &old) == 0);
    rlimit const low{1024, old.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &low) == 0); // a write beyond it fails
    auto const error = (*file)->write_zeroes(8192, 32 * 1024, false);
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &old) == 0);
    std::signal(SIGXFSZ, before);
    if (can) {
        CHECK_FALSE(error);
        CHECK(contents_of(**file).substr(8192, 32 * 1024) == std::string(32 * 1024, '\0'));
        CHECK(std::filesystem::file_size(image) == 64 * 1024);
    } else {
        CHECK(error == std::errc::file_too_large);
        WARN("not checked: the file system of temporary files cannot");
    }
}

TEST_CASE("a discard gives space back", "[block_file]") {
    Directory const directory;
    auto const image = directory.file("image", 1 << 20);
    auto const file = BlockFile::open(image, false);
    REQUIRE(file);
    if ((*file)->can_discard()) {
        struct stat before {};
        struct stat after {};
        REQUIRE_FALSE((*file)->flush());
        REQUIRE(::stat(image.c_str(), &before) == 0);
        REQUIRE_FALSE((*file)->discard(512 * 1024, 256 * 1024));
        REQUIRE(::stat(image.c_str(), &after) == 0);
        CHECK(after.st_blocks < before.st_blocks);
        CHECK(after.st_size == before.st_size);
    } else {
        CHECK_FALSE((*file)->discard(512 * 1024, 256 * 1024)); // advice, not an error
    }
}
