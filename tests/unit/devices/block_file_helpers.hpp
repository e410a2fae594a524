// SPDX-License-Identifier: GPL-2.0-only
// What the tests of block files share.
#pragma once

#include "devices/block_file.hpp"
#include "temporary_directory.hpp"

#include <array>
#include <iterator>
#include <vector>

namespace coop::test {

class Directory : public TemporaryDirectory {
public:
    std::string file(std::string const& name, std::size_t bytes, char fill = 'x') const {
        return write(name, std::string(bytes, fill));
    }
};

inline std::string refusal(std::string const& path, bool read_only = false) {
    auto file = BlockFile::open(path, read_only);
    return file ? "" : file.error().message;
}

// Of the whole disk, by itself: a writer may have locked all others out.
inline std::string contents_of(BlockFile& file) {
    std::string contents(file.size(), '?');
    std::array const list{std::as_writable_bytes(std::span{contents})};
    return file.read(0, list) ? "" : contents;
}

inline std::vector<std::byte> bytes(std::size_t count, int value) {
    return std::vector<std::byte>(count, static_cast<std::byte>(value));
}

inline std::error_code write(BlockFile& file, std::uint64_t offset, std::vector<std::byte> const& what) {
    std::array const list{std::span{what}};
    return file.write(offset, list);
}

} // namespace coop::test
