// SPDX-License-Identifier: GPL-2.0-only
// Unpacks what a bzImage carries; see decompress.hpp.
#include "boot/decompress.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <limits>

#include <fmt/format.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

namespace coop {
namespace {

using Bytes = std::vector<std::byte>;

// Grown as data arrives, so that a small file cannot claim a lot of memory by its word alone.
constexpr std::size_t first_bytes = 1 << 20;
constexpr std::uint64_t lzma_memory = 512ull << 20; // the largest dictionary a kernel build uses is 128 MiB

Failure damaged(char const* format) {
    return Failure{fmt::format("kernel's {} data is damaged or cut short", format), "build or copy it anew"};
}

Failure too_big(std::size_t limit) {
    return Failure{fmt::format("kernel unpacks to more than the {} bytes it may have", limit), "use another"};
}

// The room in out for more, made if need be; empty at the limit.
std::span<std::byte> room(Bytes& out, std::size_t used, std::size_t limit) {
    if (used == out.size()) {
        out.resize(std::min(limit, std::max(first_bytes, 2 * used)));
    }
    return std::span{out}.subspan(used);
}

// Runs step(output, written) -> Step until the stream ends.
enum class Step { more, end, failed };
template <typename Function>
Expected<Bytes> unpack(char const* format, std::size_t limit, Function step) {
    Bytes out;
    std::size_t used = 0;
    for (;;) {
        auto const output = room(out, used, limit);
        // At the limit one more byte tells a stream that ends there from one that does not.
        std::array<std::byte, 1> spare{};
        bool const full = output.empty();
        std::size_t written = 0;
        auto const result = step(full ? std::span<std::byte>{spare} : output, written);
        if (full && written > 0) {
            return too_big(limit);
        }
        used += written;
        if (result == Step::failed) {
            return damaged(format);
        }
        if (result == Step::end) {
            out.resize(used);
            return out;
        }
    }
}

Expected<Bytes> gunzip(std::span<std::byte const> packed, std::size_t limit) {
    z_stream stream{};
    constexpr int gzip_only = 16;
    if (inflateInit2(&stream, MAX_WBITS + gzip_only) != Z_OK) {
        return Failure{"cannot start gzip decompression: out of memory"};
    }
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(packed.data()));
    stream.avail_in = static_cast<uInt>(packed.size());
    auto result = unpack("gzip", limit, [&](std::span<std::byte> output, std::size_t& written) {
        stream.next_out = reinterpret_cast<Bytef*>(output.data());
        stream.avail_out = static_cast<uInt>(output.size());
        int const status = inflate(&stream, Z_NO_FLUSH);
        written = output.size() - stream.avail_out;
        if (status == Z_STREAM_END) {
            return Step::end;
        }
        return status == Z_OK && (written > 0 || stream.avail_in > 0) ? Step::more : Step::failed;
    });
    inflateEnd(&stream);
    return result;
}

Expected<Bytes> unxz(std::span<std::byte const> packed, std::size_t limit) {
    lzma_stream stream = LZMA_STREAM_INIT;
    if (lzma_auto_decoder(&stream, lzma_memory, 0) != LZMA_OK) {
        return Failure{"cannot start xz decompression: out of memory"};
    }
    stream.next_in = reinterpret_cast<std::uint8_t const*>(packed.data());
    stream.avail_in = packed.size();
    auto result = unpack("xz", limit, [&](std::span<std::byte> output, std::size_t& written) {
        stream.next_out = reinterpret_cast<std::uint8_t*>(output.data());
        stream.avail_out = output.size();
        lzma_ret const status = lzma_code(&stream, LZMA_RUN);
        written = output.size() - stream.avail_out;
        if (status == LZMA_STREAM_END) {
            return Step::end;
        }
        return status == LZMA_OK && (written > 0 || stream.avail_in > 0) ? Step::more : Step::failed;
    });
    lzma_end(&stream);
    return result;
}

Expected<Bytes> unzstd(std::span<std::byte const> packed, std::size_t limit) {
    ZSTD_DCtx* const context = ZSTD_createDCtx();
    if (context == nullptr) {
        return Failure{"cannot start zstd decompression: out of memory"};
    }
    // Kernels are packed with --ultra: windows up to 128 MiB.
    ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, 27);
    ZSTD_inBuffer input{packed.data(), packed.size(), 0};
    auto result = unpack("zstd", limit, [&](std::span<std::byte> output, std::size_t& written) {
        ZSTD_outBuffer buffer{output.data(), output.size(), 0};
        auto const consumed = input.pos;
        std::size_t const status = ZSTD_decompressStream(context, &buffer, &input);
        written = buffer.pos;
        if (status == 0) {
            return Step::end;
        }
        bool const moved = written > 0 || input.pos > consumed;
        return !ZSTD_isError(status) && moved ? Step::more : Step::failed;
    });
    ZSTD_freeDCtx(context);
    return result;
}

bool begins(std::span<std::byte const> data, std::initializer_list<unsigned> magic) {
    return data.size() >= magic.size() &&
           std::equal(magic.begin(), magic.end(), data.begin(), [](unsigned value, std::byte octet) {
               return std::to_integer<unsigned>(octet) == value;
           });
}

} // namespace

Expected<Bytes> decompress(std::span<std::byte const> packed, std::size_t limit) {
    if (packed.size() > std::numeric_limits<uInt>::max() || limit > std::numeric_limits<uInt>::max() / 2) {
        return Failure{"compressed kernel of 4 GiB or more", "use another"};
    }
    if (begins(packed, {0x1f, 0x8b})) {
        return gunzip(packed, limit);
    }
    if (begins(packed, {0x28, 0xb5, 0x2f, 0xfd})) {
        return unzstd(packed, limit);
    }
    if (begins(packed, {0xfd, '7', 'z', 'X', 'Z', 0x00}) || begins(packed, {0x5d, 0x00, 0x00})) {
        return unxz(packed, limit);
    }
    return Failure{"kernel is compressed in a way this program does not read (it reads gzip, zstd, xz and "
                   "lzma)",
                   "give it the vmlinux, or build with CONFIG_KERNEL_ZSTD"};
}

} // namespace coop
