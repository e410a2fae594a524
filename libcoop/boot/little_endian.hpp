// SPDX-License-Identifier: GPL-2.0-only
// Little-endian numbers at any offset of a byte sequence.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>

namespace coop {

static_assert(std::endian::native == std::endian::little, "x86 only, so far");

// Callers check ranges and say what is wrong; a range that slipped through throws instead of reading beyond.
template <typename T>
T read_le(std::span<std::byte const> bytes, std::uint64_t offset) {
    if (offset > bytes.size() || sizeof(T) > bytes.size() - offset) {
        throw std::out_of_range{"read beyond the end of an image"};
    }
    T value;
    std::memcpy(&value, bytes.data() + offset, sizeof(T));
    return value;
}

template <typename T>
void write_le(std::span<std::byte> bytes, std::uint64_t offset, T value) {
    if (offset > bytes.size() || sizeof(T) > bytes.size() - offset) {
        throw std::out_of_range{"write beyond the end of an image"};
    }
    std::memcpy(bytes.data() + offset, &value, sizeof(T));
}

} // namespace coop
