// SPDX-License-Identifier: GPL-2.0-only
// BlockFile on this system: what it opens, what it refuses, and that its operations do all or fail.
#include "devices/block_file.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <vector>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

using Catch::Matchers::Contains;
using coop::BlockFile;

namespace {

class Directory {
public:
    Directory() {
        std::string name = (std::filesystem::temp_directory_path() / "coop-block-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) {
            throw std::runtime_error{"no temporary directory"};
        }
        path_ = name;
    }
    ~Directory() { std::filesystem::remove_all(path_); }
    Directory(Directory const&) = delete;
    Directory& operator=(Directory const&) = delete;

    std::string file(std::string const& name, std::size_t bytes, char fill = 'x') const {
        std::ofstream{path_ / name, std::ios::binary} << std::string(bytes, fill);
        return (path_ / name).string();
    }
    std::filesystem::path const& path() const { return path_; }

private:
    std::filesystem::path path_;
};

std::string refusal(std::string const& path, bool read_only = false) {
    auto file = BlockFile::open(path, read_only);
    return file ? "" : file.error().message;
}

std::string slurp(std::string const& path) {
    std::ifstream stream{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{stream}, {}};
}

std::vector<std::byte> bytes(std::size_t count, int value) {
    return std::vector<std::byte>(count, static_cast<std::byte>(value));
}

std::error_code write(BlockFile& file, std::uint64_t offset, std::vector<std::byte> const& what) {
    std::array const list{std::span{what}};
    return file.write(offset, list);
}

} // namespace

TEST_CASE("only what can be a disk is opened", "[block_file]") {
    Directory const directory;
    auto const missing = (directory.path() / "missing").string();
    CHECK_THAT(refusal(missing), Contains("cannot open") && Contains("No such file"));
    CHECK_FALSE(std::filesystem::exists(missing));
    CHECK_THAT(refusal(directory.path().string(), true), Contains("neither a regular file"));
    CHECK_THAT(refusal("/dev/zero"), Contains("neither a regular file"));
    CHECK_THAT(refusal(directory.file("empty", 0)), Contains("0 bytes"));
    CHECK_THAT(refusal(directory.file("odd", 513)), Contains("513 bytes") && Contains("512"));
    auto const fifo = (directory.path() / "fifo").string();
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    CHECK_THAT(refusal(fifo, true), Contains("neither a regular file"));
    auto const image = directory.file("image", 1024);
    auto const file = BlockFile::open(image, false);
    REQUIRE(file);
    CHECK((*file)->size() == 1024);
    CHECK(slurp(image) == std::string(1024, 'x'));
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
    CHECK(slurp(image).substr(1000, expected.size()) == expected);
    CHECK(slurp(image).substr(0, 1000) == std::string(1000, 'x'));

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
        CHECK(slurp(image).substr(8192, 32 * 1024) == std::string(32 * 1024, '\0'));
        CHECK(std::filesystem::file_size(image) == 64 * 1024);
    } else {
        CHECK(error == std::errc::file_too_large);
        WARN("not checked: the file system of temporary files cannot");
    }
}

TEST_CASE("zeroes and discards", "[block_file]") {
    Directory const directory;
    auto const image = directory.file("image", 1 << 20);
    auto const file = BlockFile::open(image, false);
    REQUIRE(file);
    bool const may_discard = GENERATE(false, true);
    REQUIRE_FALSE((*file)->write_zeroes(512, 300 * 1024 + 512, may_discard));
    auto const contents = slurp(image);
    CHECK(contents.size() == 1 << 20);
    CHECK(contents.substr(0, 512) == std::string(512, 'x'));
    CHECK(contents.substr(512, 301 * 1024 - 512) == std::string(301 * 1024 - 512, '\0'));
    CHECK(contents[301 * 1024] == 'x');
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
