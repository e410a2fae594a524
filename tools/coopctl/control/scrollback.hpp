// SPDX-License-Identifier: GPL-2.0-only
// The newest bytes of a stream, for a viewer that comes late.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace coop::ctl {

class Scrollback {
public:
    // capacity in bytes, not 0; taken at once, so that appending never allocates.
    explicit Scrollback(std::size_t capacity) : ring_(capacity) {}

    void append(std::span<std::byte const> data);
    // Oldest first. When bytes were lost, what is left of the line that the loss cut is left out.
    std::vector<std::byte> contents() const;

private:
    std::vector<std::byte> ring_;
    std::size_t next_ = 0; // where the next byte goes
    bool full_ = false;    // every byte of the ring is in use
    bool wrapped_ = false; // older bytes were lost
};

} // namespace coop::ctl
