// SPDX-License-Identifier: GPL-2.0-only
#include "base/address.hpp"
#include "base/assert.hpp"
#include "base/owned.hpp"
#include "base/result.hpp"
#include "core/fake_host.hpp"
#include "memory/frame_ledger.hpp"
#include "memory/page_block.hpp"

#include <catch2/catch.hpp>

#include <random>

using namespace coop;
using namespace coop::test;

namespace {

// Counts how many of it are alive.
struct Tracked {
    explicit Tracked(int& alive_count) : alive{&alive_count} { ++*alive; }
    Tracked(Tracked&& other) noexcept : alive{other.alive} { ++*alive; }
    ~Tracked() { --*alive; }
    int* alive;
};

Result<Tracked> tracked_or(int& alive, bool refuse) {
    if (refuse)
        return Error{COOP_E_BUSY};
    return Tracked{alive};
}

Status use_tracked(int& alive, bool refuse, bool& reached) {
    const Tracked tracked = COOP_TRY(tracked_or(alive, refuse));
    reached = true;
    return ok;
}

} // namespace

TEST_CASE("a Result holds its value or its error", "[result]") {
    int alive = 0;
    {
        Result<Tracked> good = tracked_or(alive, false);
        REQUIRE(good);
        CHECK(alive == 1);
        const Tracked taken = good.take();
        CHECK(alive == 2);
    }
    CHECK(alive == 0);
    const Result<Tracked> bad = tracked_or(alive, true);
    REQUIRE_FALSE(bad);
    CHECK(bad.error().code() == COOP_E_BUSY);
    CHECK(bad.error().negative() == -COOP_E_BUSY);
    CHECK(alive == 0);
}

TEST_CASE("COOP_TRY passes the value on or leaves with the error", "[result]") {
    int alive = 0;
    bool reached = false;
    CHECK(use_tracked(alive, false, reached));
    CHECK(reached);
    CHECK(alive == 0);
    reached = false;
    CHECK(use_tracked(alive, true, reached).status() == -COOP_E_BUSY);
    CHECK_FALSE(reached);
    CHECK(alive == 0);
}

TEST_CASE("a Status is 0 or a negative error", "[result]") {
    CHECK(Status{ok}.status() == 0);
    CHECK(Status{Error{COOP_E_FAULT}}.status() == -COOP_E_FAULT);
    CHECK_FALSE(Status{Error{COOP_E_FAULT}});
}

TEST_CASE("a range contains what lies between its ends, without wrapping", "[address]") {
    const PhysicalRange range{Physical{0x1000}, 0x2000};
    CHECK(range.contains(Physical{0x1000}, 0x2000));
    CHECK(range.contains(Physical{0x2fff}, 1));
    CHECK(range.contains(Physical{0x3000}, 0));
    CHECK_FALSE(range.contains(Physical{0x3000}, 1));
    CHECK_FALSE(range.contains(Physical{0x3001}, 0));
    CHECK_FALSE(range.contains(Physical{0xfff}, 1));
    CHECK_FALSE(range.contains(Physical{0x1000}, 0x2001));
    CHECK_FALSE(range.contains(Physical{0x2000}, UINT64_MAX));
    CHECK_FALSE(range.contains(Physical{UINT64_MAX}, UINT64_MAX));
    const PhysicalRange top{Physical{UINT64_MAX - 0xfff}, 0xfff};
    CHECK(top.contains(Physical{UINT64_MAX - 1}, 1));
    CHECK_FALSE(top.contains(Physical{UINT64_MAX - 1}, 2));
    CHECK_FALSE(top.contains(Physical{UINT64_MAX - 1}, UINT64_MAX));
    CHECK_FALSE(PhysicalRange{}.contains(Physical{0}, 1));
}

TEST_CASE("containment agrees with 128-bit arithmetic", "[address]") {
    std::mt19937_64 random{1}; // NOLINT(cert-msc51-cpp): the same each time
    const auto near_edges = [&]() -> std::uint64_t {
        static constexpr std::uint64_t edges[] = {0, 0x1000, 1ull << 32, 1ull << 63, UINT64_MAX};
        return edges[random() % 5] + random() % 5 - 2;
    };
    for (int i = 0; i < 100'000; ++i) {
        const std::uint64_t start = near_edges();
        const std::uint64_t bytes = std::min(near_edges(), UINT64_MAX - start);
        const std::uint64_t at = near_edges();
        const std::uint64_t length = near_edges();
        const unsigned __int128 end = static_cast<unsigned __int128>(start) + bytes;
        const bool inside = at >= start && static_cast<unsigned __int128>(at) + length <= end;
        INFO("[" << start << " +" << bytes << ") contains " << at << " +" << length);
        if (PhysicalRange{Physical{start}, bytes}.contains(Physical{at}, length) != inside)
            FAIL();
    }
}

TEST_CASE("alignment", "[address]") {
    CHECK(align_up(0, page_bytes) == 0);
    CHECK(align_up(1, page_bytes) == page_bytes);
    CHECK(align_up(page_bytes, page_bytes) == page_bytes);
    CHECK(align_down(page_bytes - 1, page_bytes) == 0);
    CHECK(align_down(UINT64_MAX, large_page_bytes) == UINT64_MAX - large_page_bytes + 1);
    CHECK(is_aligned(0, large_page_bytes));
    CHECK_FALSE(is_aligned(page_bytes, large_page_bytes));
}

TEST_CASE("an owned object goes home once", "[owned]") {
    FakeHost host;
    int alive = 0;
    {
        Owned<Tracked> first = make_owned<Tracked>(alive).take();
        CHECK(alive == 1);
        CHECK(host.holdings().heap_blocks == 1);
        Owned<Tracked> second = std::move(first);
        CHECK_FALSE(first); // NOLINT(bugprone-use-after-move): what a move leaves is part of the type
        CHECK(alive == 1);
        second = make_owned<Tracked>(alive).take();
        CHECK(alive == 1);
        CHECK(host.holdings().heap_blocks == 1);
        Owned<Tracked>& alias = second;
        second = std::move(alias);
        CHECK(alive == 1);
        destroy(second.release());
        CHECK(alive == 0);
    }
    host.fail_call(1);
    CHECK(make_owned<Tracked>(alive).error().code() == COOP_E_NO_MEMORY);
    CHECK(alive == 0);
}

TEST_CASE("a page block is counted in the ledger while it lives", "[page_block]") {
    FakeHost host;
    FrameLedger ledger, other;
    {
        PageBlock first = PageBlock::allocate(ledger, 3).take();
        CHECK(first.pages() == 3);
        CHECK(ledger.frames() == 3);
        CHECK(host.page_va(first.physical().value()) == first.va());
        PageBlock second = PageBlock::allocate(other, 5).take();
        const void* va = second.va();
        first = std::move(second); // each block returns to its own ledger
        CHECK(first.va() == va);
        const PageBlock third = std::move(first);
        CHECK(third.pages() == 5);
        CHECK(host.holdings().page_blocks == 2);
    }
    CHECK(ledger.frames() == 0);
    CHECK(other.frames() == 0);
    host.fail_call(1);
    CHECK(PageBlock::allocate(ledger, 1).error().code() == COOP_E_NO_MEMORY);
    CHECK(ledger.frames() == 0);
}

TEST_CASE("a broken invariant says which and where", "[assert]") {
    FakeHost host;
    CHECK_NOTHROW(COOP_ASSERT(1 + 1 == 2));
    CHECK_THROWS_WITH(COOP_ASSERT(1 + 1 == 3),
                      Catch::Contains("base_test.cpp:") && Catch::Contains("1 + 1 == 3"));
}
