// SPDX-License-Identifier: GPL-2.0-only
// A seam: the file or block device behind a virtual disk, as an operating system gives it. One implementation
// per system (block_file_posix.cpp); tests bring their own.
#pragma once

#include "devices/expected.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <system_error>

namespace coop {

// Operations may run on many threads at once, and block. Offsets and sizes are bytes; ranges lie within
// size(). Each operation does all it was asked or fails.
class BlockFile {
public:
    // Never creates or truncates. Takes an advisory lock for as long as the object lives: shared if
    // read_only, else exclusive. Fails for anything but a regular file or block device of a nonzero multiple
    // of 512 bytes.
    static Expected<std::shared_ptr<BlockFile>> open(std::string const& path, bool read_only);

    virtual ~BlockFile() = default;

    virtual std::uint64_t size() const = 0; // constant
    virtual bool read_only() const = 0;
    virtual bool can_discard() const = 0; // whether discard() gives space back

    virtual std::error_code read(std::uint64_t offset, std::span<std::span<std::byte> const> buffers) = 0;
    virtual std::error_code write(std::uint64_t offset,
                                  std::span<std::span<std::byte const> const> buffers) = 0;
    // What was written by completed calls is stable on return.
    virtual std::error_code flush() = 0;
    // The contents of the range no longer matter.
    virtual std::error_code discard(std::uint64_t offset, std::uint64_t bytes) = 0;
    // The range reads as zeroes; may_discard: its space may be given back.
    virtual std::error_code write_zeroes(std::uint64_t offset, std::uint64_t bytes, bool may_discard) = 0;
};

} // namespace coop
