// SPDX-License-Identifier: GPL-2.0-only
// Fuzz target: any file as a kernel image. What is accepted must keep its promises and load.
#include "../unit/boot/test_kernel.hpp"
#include "boot/kernel_image.hpp"
#include "fuzz_target.hpp"

#include <span>

#include <zlib.h>

namespace {

using Bytes = std::vector<std::byte>;

// Stored, not compressed: a change of the input is a change of the kernel in it.
Bytes stored_gzip(Bytes const& in) {
    z_stream stream{};
    deflateInit2(&stream, 0, Z_DEFLATED, MAX_WBITS + 16, 9, Z_DEFAULT_STRATEGY);
    Bytes out(deflateBound(&stream, in.size()) + 64);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(in.data()));
    stream.avail_in = static_cast<uInt>(in.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    deflate(&stream, Z_FINISH);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

Bytes small_kernel() {
    auto segments = coop::test::kernel_segments();
    segments[0].bytes.resize(0x80);
    segments[1].bytes.resize(0x10);
    segments[2].bytes.resize(0x10);
    return coop::test::make_elf(segments);
}

} // namespace

std::vector<std::vector<std::uint8_t>> coop::fuzz::seeds() {
    std::vector<std::vector<std::uint8_t>> seeds;
    for (auto const& file : {small_kernel(), coop::test::make_bzimage(stored_gzip(small_kernel()))}) {
        auto const* begin = reinterpret_cast<std::uint8_t const*>(file.data());
        seeds.emplace_back(begin, begin + file.size());
    }
    return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    using coop::fuzz::require;
    auto const image = coop::KernelImage::parse(std::as_bytes(std::span{data, size}));
    if (!image) {
        require(!image.error().message.empty(), "a refusal says why");
        return 0;
    }
    auto const bytes = image->load_bytes();
    require(bytes > 0 && bytes % (2 << 20) == 0 && bytes <= coop::KernelImage::max_load_bytes,
            "the size is in bounds");
    require(image->entry_offset() < bytes, "the entry is inside the image");
    if (bytes <= 8 << 20) {
        static std::vector<std::byte> memory(8 << 20);
        require(image->load(std::span{memory}.first(bytes)).has_value(), "what was accepted can be loaded");
        require(!image->load(std::span{memory}.first(bytes - 1)).has_value(), "too little memory is refused");
    }
    return 0;
}
