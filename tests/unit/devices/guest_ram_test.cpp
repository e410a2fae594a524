// SPDX-License-Identifier: GPL-2.0-only
// GuestRam: what is RAM, what is not, and the edges between.
#include "test_ram.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <stdexcept>

using coop::GuestRam;
using coop::RamExtent;

namespace {

constexpr std::uint64_t page = 4096;
alignas(4096) std::byte arena[8 * page];

} // namespace

TEST_CASE("guest RAM translates what lies wholly inside", "[guest_ram]") {
    GuestRam const ram{{{0x100000, 2 * page, arena}, {0x1'0000'0000, page, arena + 4 * page}}};
    CHECK(ram.translate(0x100000, 1) == arena);
    CHECK(ram.translate(0x100000, 2 * page) == arena);
    CHECK(ram.translate(0x100fff, page + 1) == arena + 0xfff);
    CHECK(ram.translate(0x1'0000'0fff, 1) == arena + 4 * page + 0xfff);

    CHECK(ram.translate(0x0fffff, 1) == nullptr);
    CHECK(ram.translate(0x0fffff, 2) == nullptr);
    CHECK(ram.translate(0x100000, 2 * page + 1) == nullptr);
    CHECK(ram.translate(0x102000, 1) == nullptr);
    CHECK(ram.translate(0, 0) == nullptr);
    CHECK(ram.translate(0x100001, UINT64_MAX) == nullptr);
    CHECK(ram.translate(UINT64_MAX, 1) == nullptr);
    CHECK(ram.translate(UINT64_MAX, UINT64_MAX) == nullptr);
}

TEST_CASE("neighbours in both worlds are one range", "[guest_ram]") {
    GuestRam const ram{
        {{0x100000, page, arena}, {0x101000, page, arena + page}, {0x102000, page, arena + 5 * page}}};
    CHECK(ram.extents().size() == 3);
    CHECK(ram.translate(0x100800, page) == arena + 0x800);
    CHECK(ram.translate(0x101800, page) == nullptr); // neighbours for the guest alone

    std::vector<std::span<std::byte>> pieces{{arena, 1}};
    REQUIRE(ram.gather(0x100800, 2 * page, pieces));
    REQUIRE(pieces.size() == 3);
    CHECK(pieces[1].data() == arena + 0x800);
    CHECK(pieces[1].size() == page + 0x800);
    CHECK(pieces[2].data() == arena + 5 * page);
    CHECK(pieces[2].size() == 0x800);

    CHECK_FALSE(ram.gather(0x102800, page, pieces));
    CHECK(pieces.size() == 3);
    CHECK(ram.gather(0x5000, 0, pieces));
    CHECK(pieces.size() == 3);
}

TEST_CASE("guest RAM refuses a list that cannot be right", "[guest_ram]") {
    using List = std::vector<RamExtent>;
    auto const make = [](List list) { return GuestRam{std::move(list)}; };
    CHECK_THROWS_AS(make({{0x101000, page, arena}, {0x100000, page, arena + page}}), std::invalid_argument);
    CHECK_THROWS_AS(make({{0x100000, 2 * page, arena}, {0x101000, page, arena}}), std::invalid_argument);
    CHECK_THROWS_AS(make({{0x100000, 0, arena}}), std::invalid_argument);
    CHECK_THROWS_AS(make({{0x100000, page, nullptr}}), std::invalid_argument);
    CHECK_THROWS_AS(make({{0x100010, page, arena}}), std::invalid_argument);
    CHECK_THROWS_AS(make({{0x100000, page, arena + 8}}), std::invalid_argument);
    CHECK_THROWS_AS(make({{UINT64_MAX - page + 1, page, arena}}), std::invalid_argument);
    CHECK_NOTHROW(make({}));
}

TEST_CASE("translate and gather agree with a list of pages", "[guest_ram]") {
    // The guest has pages 0, 1, 3, 4, 5 and 8; 3 to 5 are two extents that join.
    GuestRam const ram{{{0, 2 * page, arena},
                        {3 * page, page, arena + 3 * page},
                        {4 * page, 2 * page, arena + 4 * page},
                        {8 * page, page, arena + 2 * page}}};
    auto const owned = [](std::uint64_t gpa) -> std::byte* {
        switch (gpa / page) {
        case 0:
        case 1:
        case 3:
        case 4:
        case 5:
            return arena + gpa;
        case 8:
            return arena + gpa - 6 * page;
        default:
            return nullptr;
        }
    };
    std::mt19937_64 random{1};
    for (int i = 0; i < 20000; ++i) {
        std::uint64_t const gpa = random() % (10 * page);
        std::uint64_t const bytes = 1 + random() % (3 * page);
        bool all = true;
        bool contiguous = true;
        for (std::uint64_t at = gpa; at < gpa + bytes;
             at = (at / page + 1) * page) { // once in each page it touches
            all = all && owned(at) != nullptr;
            contiguous = contiguous && all && owned(at) == owned(gpa) + (at - gpa);
        }
        std::vector<std::span<std::byte>> pieces;
        REQUIRE(ram.gather(gpa, bytes, pieces) == all);
        REQUIRE((ram.translate(gpa, bytes) != nullptr) == contiguous);
        std::uint64_t sum = 0;
        for (auto const& piece : pieces) {
            REQUIRE(piece.data() == owned(gpa + sum));
            sum += piece.size();
        }
        REQUIRE(sum == (all ? bytes : 0));
    }
}
