// SPDX-License-Identifier: GPL-2.0-only
// The vmlinux inside a bzImage; see bzimage.hpp.
#include "boot/bzimage.hpp"

#include "boot/boot_params.hpp"
#include "boot/decompress.hpp"
#include "boot/little_endian.hpp"

#include <algorithm>
#include <cstdint>

#include <fmt/format.h>

namespace coop {
namespace {

// Fields of the setup header that only a file has.
constexpr std::uint64_t setup_sects = 0x1f1;
constexpr std::uint64_t payload_offset = 0x248;
constexpr std::uint64_t payload_length = 0x24c;
constexpr std::uint64_t header_end = 0x250;
constexpr std::uint64_t sector_bytes = 512;
constexpr unsigned payload_version = 0x208;

} // namespace

bool is_bzimage(std::span<std::byte const> file) {
    return file.size() >= header_end &&
           read_le<std::uint16_t>(file, boot_params::boot_flag) == boot_params::boot_flag_value &&
           read_le<std::uint32_t>(file, boot_params::header) == boot_params::header_value;
}

Expected<std::vector<std::byte>> unpack_bzimage(std::span<std::byte const> file, std::size_t limit) {
    auto const version = read_le<std::uint16_t>(file, boot_params::version);
    if (version < payload_version) {
        return Failure{
            fmt::format("bzImage has boot protocol {}.{:02}, which does not say where the kernel is",
                        version >> 8, version & 0xff),
            "give the vmlinux"};
    }
    std::uint64_t const sectors = std::max<std::uint64_t>(read_le<std::uint8_t>(file, setup_sects), 1);
    std::uint64_t const start = (sectors + 1) * sector_bytes + read_le<std::uint32_t>(file, payload_offset);
    std::uint64_t const length = read_le<std::uint32_t>(file, payload_length);
    constexpr std::uint64_t trailer = 4; // the unpacked size
    if (start > file.size() || length > file.size() - start || length <= trailer) {
        return Failure{fmt::format("bzImage says its kernel is {} bytes at offset {}, but the file has {}",
                                   length, start, file.size()),
                       "copy it anew"};
    }
    auto const payload = file.subspan(start, length);
    std::uint64_t const unpacked = read_le<std::uint32_t>(payload, length - trailer);
    if (unpacked > limit) {
        return Failure{fmt::format("bzImage's kernel unpacks to {} bytes, more than {}", unpacked, limit),
                       "use another"};
    }
    auto result = decompress(payload, unpacked);
    if (result && result->size() != unpacked) {
        return Failure{
            fmt::format("bzImage's kernel unpacks to {} bytes instead of {}", result->size(), unpacked),
            "build or copy it anew"};
    }
    return result;
}

} // namespace coop
