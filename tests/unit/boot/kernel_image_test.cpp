// SPDX-License-Identifier: GPL-2.0-only
// KernelImage on ELF files: what a vmlinux says, and every way in which a file can lie.
#include "boot/kernel_image.hpp"
#include "test_kernel.hpp"

#include <catch2/catch.hpp>

#include <random>

using namespace coop;
using namespace coop::test;
using Catch::Matchers::Contains;

namespace {

std::string refusal(std::vector<std::byte> const& file) {
    auto const image = KernelImage::parse(file);
    return image ? "" : image.error().message;
}

template <typename T>
std::vector<std::byte> patched(std::uint64_t at, T value) {
    auto file = make_kernel();
    write_le(std::span{file}, at, value);
    return file;
}

constexpr std::uint64_t header_of(unsigned segment) {
    return program_headers_at + segment * program_header_bytes;
}

} // namespace

TEST_CASE("a kernel is loaded as linked", "[kernel_image]") {
    auto file = make_kernel();
    auto const image = KernelImage::parse(file);
    REQUIRE(image);
    file.assign(file.size(), std::byte{0}); // it owns what it needs
    CHECK(image->load_bytes() == 0x400000);
    CHECK(image->entry_offset() == 0x40);
    CHECK(image->note().abi_major == COOP_ABI_MAJOR);

    auto memory = filled(image->load_bytes() + 4096, 0xff);
    REQUIRE(image->load(memory));
    auto const is = [&memory](std::size_t from, std::size_t to, unsigned value) {
        return std::all_of(memory.begin() + static_cast<std::ptrdiff_t>(from),
                           memory.begin() + static_cast<std::ptrdiff_t>(to),
                           [value](std::byte octet) { return octet == static_cast<std::byte>(value); });
    };
    CHECK(is(0, 0x3000, 0x11));
    CHECK(is(0x3000, 0x200000, 0));
    CHECK(is(0x200000, 0x201000, 0x22));
    CHECK(is(0x201000, 0x206000, 0)); // .bss, and a gap
    CHECK(is(0x206000, 0x207000, 0x33));
    CHECK(is(0x207000, memory.size(), 0));

    memory.resize(image->load_bytes() - 1);
    auto const loaded = image->load(memory);
    REQUIRE_FALSE(loaded);
    CHECK_THAT(loaded.error().message, Contains("4194304"));
}

TEST_CASE("the image keeps its place within 2 MiB", "[kernel_image]") {
    auto segments = kernel_segments({COOP_ABI_MAJOR, COOP_ABI_MINOR + 7, kernel_va + 0x203004});
    for (auto& segment : segments) {
        segment.paddr += 0x1000;
    }
    segments[1].flags = 7; // the entry is in the second one
    segments[1].bytes = filled(0x4000, 0x22);
    auto const image = KernelImage::parse(make_elf(segments));
    REQUIRE(image);
    CHECK(image->entry_offset() == 0x204004);
    CHECK(image->load_bytes() == 0x400000);
}

TEST_CASE("the order of program headers does not matter", "[kernel_image]") {
    auto segments = kernel_segments();
    std::reverse(segments.begin(), segments.end());
    auto const image = KernelImage::parse(make_elf(segments));
    REQUIRE(image);
    CHECK(image->entry_offset() == 0x40);
}

TEST_CASE("the note is found among others", "[kernel_image]") {
    auto segments = kernel_segments();
    for (std::size_t const unit : {4, 8}) {
        auto notes = make_note("GNU", 3, filled(21, 1), unit);
        auto const append = [&notes](std::vector<std::byte> const& more) {
            notes.insert(notes.end(), more.begin(), more.end());
        };
        append(make_note("Coop", 1, filled(16, 1), unit));
        append(make_note("Coup", COOP_NOTE_TYPE_BOOT, filled(16, 1), unit));
        append(make_note("Coop", COOP_NOTE_TYPE_BOOT, filled(15, 1), unit));
        segments[3].bytes = notes;
        segments[3].align = unit;
        CHECK_THAT(refusal(make_elf(segments)), Contains("not a cooperative guest"));
        append(boot_note({COOP_ABI_MAJOR, 0, kernel_va}, unit));
        segments[3].bytes = notes;
        CHECK(refusal(make_elf(segments)).empty());
    }
}

TEST_CASE("foreign and broken files are refused", "[kernel_image]") {
    CHECK(refusal(make_kernel()).empty());
    CHECK_THAT(refusal({}), Contains("neither an ELF file nor a bzImage"));
    CHECK_THAT(refusal(filled(4096, 0)), Contains("neither"));
    CHECK_THAT(refusal(patched(4, std::uint8_t{1})), Contains("not for x86-64"));
    CHECK_THAT(refusal(patched(5, std::uint8_t{2})), Contains("not for x86-64"));
    CHECK_THAT(refusal(patched(18, std::uint16_t{183})), Contains("not for x86-64"));
    CHECK_THAT(refusal(patched(16, std::uint16_t{1})), Contains("not an executable"));
    CHECK_THAT(refusal(patched(16, std::uint16_t{3})), Contains("not an executable"));
    for (auto const& file :
         {patched(32, std::uint64_t{1} << 40), patched(32, UINT64_MAX), patched(32, UINT64_MAX - 100),
          patched(54, std::uint16_t{32}), patched(56, std::uint16_t{0}), patched(56, std::uint16_t{0xffff}),
          patched(56, std::uint16_t{60000})}) {
        CHECK_THAT(refusal(file), Contains("program headers"));
    }
}

TEST_CASE("segments that cannot be are refused", "[kernel_image]") {
    CHECK_THAT(refusal(patched(header_of(0) + 8, UINT64_MAX)), Contains("segment 0 is not all in the file"));
    CHECK_THAT(refusal(patched(header_of(1) + 32, UINT64_MAX)), Contains("segment 1 is not all in the file"));
    CHECK_THAT(refusal(patched(header_of(3) + 32, std::uint64_t{1} << 30)),
               Contains("segment 3 is not all in the file"));
    CHECK_THAT(refusal(patched(header_of(0) + 40, std::uint64_t{0x2fff})), Contains("larger in the file"));
    CHECK_THAT(refusal(patched(header_of(1) + 40, UINT64_MAX)), Contains("wraps around"));
    CHECK_THAT(refusal(patched(header_of(1) + 24, UINT64_MAX - 0x1000)), Contains("wraps around"));
    CHECK_THAT(refusal(patched(header_of(1) + 16, UINT64_MAX - 0x1000)), Contains("wraps around"));
    CHECK_THAT(refusal(patched(header_of(1) + 24, kernel_pa + 0x2000)), Contains("overlap"));
    CHECK_THAT(refusal(patched(header_of(2) + 24, kernel_pa + (600ull << 20))), Contains("spans"));
    auto segments = kernel_segments();
    segments.erase(segments.begin(), segments.begin() + 3);
    CHECK_THAT(refusal(make_elf(segments)), Contains("nothing to load"));
}

TEST_CASE("the entry point must be in code from the file", "[kernel_image]") {
    auto const with_entry = [](std::uint64_t va) {
        return refusal(make_elf(kernel_segments({COOP_ABI_MAJOR, COOP_ABI_MINOR, va})));
    };
    CHECK(with_entry(kernel_va).empty());
    CHECK(with_entry(kernel_va + 0x2fff).empty());
    CHECK_THAT(with_entry(kernel_va + 0x3000), Contains("entry point"));
    CHECK_THAT(with_entry(kernel_va - 1), Contains("entry point"));
    CHECK_THAT(with_entry(kernel_va + 0x200000), Contains("entry point")); // not executable
    CHECK_THAT(with_entry(0), Contains("entry point"));
    CHECK_THAT(with_entry(UINT64_MAX), Contains("entry point"));
}

TEST_CASE("other ABIs are refused", "[kernel_image]") {
    CHECK_THAT(refusal(make_elf(kernel_segments({COOP_ABI_MAJOR + 1, 0, kernel_va}))),
               Contains("guest ABI 2.0"));
    CHECK_THAT(refusal(make_elf(kernel_segments({0, 9, kernel_va}))), Contains("guest ABI 0.9"));
}

TEST_CASE("every truncation is refused", "[kernel_image]") {
    auto const file = make_kernel();
    for (std::size_t length = 0; length < file.size();
         length += length < 2000 || length > file.size() - 200 ? 1 : 61) {
        // A copy of its own, so that the sanitizer sees a read beyond it.
        std::vector<std::byte> const cut{file.begin(), file.begin() + static_cast<std::ptrdiff_t>(length)};
        if (refusal(cut).empty()) {
            FAIL("accepted " << length << " of " << file.size() << " bytes");
        }
    }
}

TEST_CASE("whatever is accepted can be loaded", "[kernel_image]") {
    auto const file = make_kernel();
    std::mt19937_64 random{9};
    unsigned accepted = 0;
    for (int i = 0; i < 8000; ++i) {
        auto damaged = file;
        std::size_t const hot = program_headers_at + 4 * program_header_bytes;
        for (unsigned k = 0; k <= random() % 3; ++k) {
            std::size_t const at = random() % 4 != 0 ? random() % hot : damaged.size() - 1 - random() % 36;
            damaged[at] = static_cast<std::byte>(random() % 3 == 0 ? 1u << random() % 8 : random());
        }
        auto const image = KernelImage::parse(damaged);
        if (!image) {
            continue;
        }
        ++accepted;
        REQUIRE(image->load_bytes() % (2 << 20) == 0);
        REQUIRE(image->load_bytes() <= KernelImage::max_load_bytes);
        REQUIRE(image->entry_offset() < image->load_bytes());
        if (image->load_bytes() <= 4 << 20 && accepted < 200) {
            std::vector<std::byte> memory(image->load_bytes());
            REQUIRE(image->load(memory));
        }
    }
    CHECK(accepted > 60);
}
