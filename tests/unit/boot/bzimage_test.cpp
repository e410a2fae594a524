// SPDX-License-Identifier: GPL-2.0-only
// bzImages: each compression, damage, and sizes that lie.
#include "boot/decompress.hpp"
#include "boot/kernel_image.hpp"
#include "test_kernel.hpp"

#include <catch2/catch.hpp>

#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <random>
#include <stdexcept>

using namespace coop;
using namespace coop::test;
using Catch::Matchers::Contains;

namespace {

using Bytes = std::vector<std::byte>;

Bytes gzip(Bytes const& in) {
    z_stream stream{};
    if (deflateInit2(&stream, 9, Z_DEFLATED, MAX_WBITS + 16, 9, Z_DEFAULT_STRATEGY) != Z_OK) {
        throw std::runtime_error{"deflateInit2"};
    }
    Bytes out(deflateBound(&stream, in.size()) + 64);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(in.data()));
    stream.avail_in = static_cast<uInt>(in.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    int const status = deflate(&stream, Z_FINISH);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    if (status != Z_STREAM_END) {
        throw std::runtime_error{"deflate"};
    }
    return out;
}

Bytes zstd(Bytes const& in) {
    Bytes out(ZSTD_compressBound(in.size()));
    out.resize(ZSTD_compress(out.data(), out.size(), in.data(), in.size(), 19));
    return out;
}

Bytes lzma_encode(lzma_stream stream, Bytes const& in) {
    Bytes out(in.size() + in.size() / 16 + 4096); // noise grows
    stream.next_in = reinterpret_cast<std::uint8_t const*>(in.data());
    stream.avail_in = in.size();
    stream.next_out = reinterpret_cast<std::uint8_t*>(out.data());
    stream.avail_out = out.size();
    lzma_ret const status = lzma_code(&stream, LZMA_FINISH);
    out.resize(stream.total_out);
    lzma_end(&stream);
    if (status != LZMA_STREAM_END) {
        throw std::runtime_error{"lzma_code"};
    }
    return out;
}

// With the filter for x86 code, as the kernel's build does.
Bytes xz(Bytes const& in) {
    lzma_options_lzma options{};
    lzma_lzma_preset(&options, 0);
    lzma_filter const filters[] = {
        {LZMA_FILTER_X86, nullptr}, {LZMA_FILTER_LZMA2, &options}, {LZMA_VLI_UNKNOWN, nullptr}};
    lzma_stream stream = LZMA_STREAM_INIT;
    if (lzma_stream_encoder(&stream, filters, LZMA_CHECK_CRC32) != LZMA_OK) {
        throw std::runtime_error{"lzma_stream_encoder"};
    }
    return lzma_encode(stream, in);
}

Bytes lzma(Bytes const& in) {
    lzma_options_lzma options{};
    lzma_lzma_preset(&options, 0);
    lzma_stream stream = LZMA_STREAM_INIT;
    if (lzma_alone_encoder(&stream, &options) != LZMA_OK) {
        throw std::runtime_error{"lzma_alone_encoder"};
    }
    return lzma_encode(stream, in);
}

struct Format {
    char const* name;
    Bytes (*pack)(Bytes const&);
};
constexpr Format formats[] = {{"gzip", gzip}, {"zstd", zstd}, {"xz", xz}, {"lzma", lzma}};

// gzip ends with the size by itself; to the others the kernel's build appends it.
Bytes with_size(Format const& format, Bytes packed, std::size_t size) {
    if (std::string{format.name} != "gzip") {
        packed.resize(packed.size() + 4);
    }
    write_le(std::span{packed}, packed.size() - 4, static_cast<std::uint32_t>(size));
    return packed;
}

std::string refusal(Bytes const& file) {
    auto const image = KernelImage::parse(file);
    return image ? "" : image.error().message;
}

// Hard to compress, so that damage hits something.
Bytes noise(std::size_t size) {
    std::mt19937_64 random{10};
    Bytes bytes(size);
    for (std::size_t at = 0; at < size; at += 8) {
        auto const word = random();
        std::memcpy(bytes.data() + at, &word, std::min<std::size_t>(8, size - at));
    }
    return bytes;
}

} // namespace

TEST_CASE("a bzImage gives the kernel in it", "[bzimage]") {
    auto kernel = make_kernel();
    kernel.insert(kernel.end(), 5000, std::byte{0x7e}); // relocations follow the ELF file
    for (auto const& format : formats) {
        INFO(format.name);
        auto const image =
            KernelImage::parse(make_bzimage(with_size(format, format.pack(kernel), kernel.size())));
        REQUIRE(image);
        CHECK(image->entry_offset() == 0x40);
        CHECK(image->load_bytes() == 0x400000);
    }
}

TEST_CASE("large and empty data unpack to the byte", "[bzimage]") {
    for (std::size_t const size : {std::size_t{0}, std::size_t{1}, std::size_t{1} << 20,
                                   (std::size_t{1} << 20) + 1, std::size_t{2'200'000}}) {
        auto const data = noise(size);
        for (auto const& format : formats) {
            INFO(format.name << " " << size);
            auto const packed = format.pack(data);
            auto const out = decompress(packed, size);
            REQUIRE(out);
            CHECK(*out == data);
            if (size > 0) {
                CHECK_FALSE(decompress(packed, size - 1));
            }
        }
    }
}

TEST_CASE("a small file cannot take much memory", "[bzimage]") {
    Bytes const zeroes(4 << 20);
    for (auto const& format : formats) {
        auto const out = decompress(format.pack(zeroes), 1 << 20);
        REQUIRE_FALSE(out);
        CHECK_THAT(out.error().message, Contains("more than the 1048576 bytes"));
    }
}

TEST_CASE("cut or damaged data is refused", "[bzimage]") {
    auto const data = noise(20000);
    for (auto const& format : formats) {
        INFO(format.name);
        auto const packed = format.pack(data);
        for (std::size_t length = 0; length < packed.size();
             length += length < 64 || length + 64 > packed.size() ? 1 : 211) {
            Bytes const cut{packed.begin(), packed.begin() + static_cast<std::ptrdiff_t>(length)};
            auto const out = decompress(cut, data.size());
            if (out) { // a missing trailer may go unseen, missing data may not
                REQUIRE(*out == data);
                REQUIRE(length + 16 > packed.size());
            }
        }
        for (std::size_t at = 0; at < packed.size(); at += 101) {
            auto damaged = packed;
            damaged[at] ^= std::byte{0x10};
            (void)decompress(damaged, data.size()); // whatever it gives: no fault, within the limit
        }
    }
}

TEST_CASE("a bzImage that lies is refused", "[bzimage]") {
    auto const kernel = make_kernel();
    auto const good = make_bzimage(gzip(kernel));
    REQUIRE(refusal(good).empty());
    auto const patched = [&good](std::uint64_t at, auto value) {
        auto file = good;
        write_le(std::span{file}, at, value);
        return file;
    };
    CHECK_THAT(refusal(patched(0x1fe, std::uint16_t{0})), Contains("neither"));
    CHECK_THAT(refusal(patched(0x202, std::uint32_t{0})), Contains("neither"));
    CHECK_THAT(refusal(patched(0x206, std::uint16_t{0x207})), Contains("boot protocol 2.07"));
    CHECK_THAT(refusal(patched(0x248, UINT32_MAX)), Contains("says its kernel is"));
    CHECK_THAT(refusal(patched(0x24c, UINT32_MAX)), Contains("says its kernel is"));
    CHECK_THAT(refusal(patched(0x24c, std::uint32_t{4})), Contains("says its kernel is"));
    CHECK_FALSE(refusal(patched(0x248, std::uint32_t{0x101})).empty());
    CHECK_THAT(refusal(make_bzimage(with_size(formats[1], filled(5000, 0x02), 5000))),
               Contains("does not read"));
    CHECK_THAT(refusal(patched(0x1f1, std::uint8_t{255})), Contains("says its kernel is"));

    CHECK_THAT(refusal(make_bzimage(with_size(formats[1], zstd(kernel), kernel.size() + 1))),
               Contains("instead of"));
    CHECK_THAT(refusal(make_bzimage(with_size(formats[1], zstd(kernel), kernel.size() - 1))),
               Contains("more than"));
    CHECK_THAT(refusal(make_bzimage(with_size(formats[1], zstd(kernel), UINT32_MAX))), Contains("more than"));
    CHECK_THAT(refusal(make_bzimage(gzip(filled(5000, 1)))), Contains("not an ELF file"));
    for (std::size_t length = 0; length < good.size() - 100; length += length < 700 ? 1 : 53) {
        Bytes const cut{good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length)};
        if (refusal(cut).empty()) {
            FAIL("accepted " << length << " of " << good.size() << " bytes");
        }
    }
}
