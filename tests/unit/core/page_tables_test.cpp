// SPDX-License-Identifier: GPL-2.0-only
// The built trees, read by a walker written from SDM 3A 4.5 alone.
#include "arch/x86_64/page_tables.hpp"

#include "coop/guest/abi.h"
#include "core/guest_fixture.hpp"

#include <catch2/catch.hpp>

#include <optional>
#include <random>

using namespace coop;
using namespace coop::test;

namespace {

struct Translation {
    std::uint64_t physical;
    std::uint64_t page; // bytes
    bool writable, executable, user, accessed, dirty, global;
};

// As the processor would: rights are what all levels allow.
std::optional<Translation> walk(const FakeHost& host, std::uint64_t cr3, unsigned levels, std::uint64_t va) {
    Translation t{0, 0, true, true, true, true, false, false};
    std::uint64_t table = cr3;
    for (unsigned level = levels; level > 0; --level) {
        const unsigned shift = 12 + 9 * (level - 1);
        const auto* entries = static_cast<const std::uint64_t*>(host.page_va(table));
        REQUIRE(entries);
        const std::uint64_t entry = entries[va >> shift & 0x1ff];
        if (!(entry & 0x1))
            return std::nullopt;
        t.writable = t.writable && (entry & 0x2);
        t.user = t.user && (entry & 0x4);
        t.executable = t.executable && !(entry >> 63);
        t.accessed = t.accessed && (entry & 0x20);
        const std::uint64_t address = entry & 0x000f'ffff'ffff'f000;
        const bool leaf = level == 1 || (entry & 0x80);
        if (!leaf) {
            table = address;
            continue;
        }
        REQUIRE(level <= 3);
        t.page = std::uint64_t{1} << shift;
        REQUIRE(is_aligned(address, t.page));
        t.physical = address + (va & (t.page - 1));
        t.dirty = entry & 0x40;
        t.global = entry & 0x100;
        return t;
    }
    return std::nullopt;
}

struct Fixture {
    FakeHost host;
    FrameLedger ledger;
};

void check_leaf(const std::optional<Translation>& t, std::uint64_t physical, std::uint64_t page,
                bool writable, bool executable) {
    REQUIRE(t);
    CHECK(t->physical == physical);
    CHECK(t->page == page);
    CHECK(t->writable == writable);
    CHECK(t->executable == executable);
    CHECK(t->accessed); // no walk has to write into the tables
    CHECK(t->dirty);
    CHECK_FALSE(t->user);
    CHECK_FALSE(t->global);
}

} // namespace

TEST_CASE_METHOD(Fixture, "pages are mapped where and as asked", "[page_tables]") {
    const unsigned levels = GENERATE(4u, 5u);
    {
        PageTables tables{ledger, levels};
        const std::uint64_t text = 0xffff'ffff'8100'0000;
        const std::uint64_t data = 0xffff'8881'2345'6000;
        const std::uint64_t high = 0x0000'7fff'ffff'f000;
        REQUIRE(tables.map_pages(text, Physical{0x12'3456'7000}, 3 * page_bytes, PageTables::read_execute));
        REQUIRE(tables.map_pages(data, Physical{0xf'ffff'ffff'b000}, 4 * page_bytes, PageTables::read_write));
        REQUIRE(tables.map_pages(high, Physical{0}, page_bytes, PageTables::read_write));
        const auto at = [&](std::uint64_t va) { return walk(host, tables.root(), levels, va); };
        for (std::uint64_t offset = 0; offset < 3 * page_bytes; offset += 0xff8)
            check_leaf(at(text + offset), 0x12'3456'7000 + offset, page_bytes, false, true);
        for (std::uint64_t offset = 0; offset < 4 * page_bytes; offset += 0xff8)
            check_leaf(at(data + offset), 0xf'ffff'ffff'b000 + offset, page_bytes, true, false);
        check_leaf(at(high), 0, page_bytes, true, false);
        for (const std::uint64_t outside : {text - 1, text + 3 * page_bytes, data - 1, data + 4 * page_bytes,
                                            high - 1, std::uint64_t{0}, UINT64_MAX})
            CHECK_FALSE(at(outside));
        CHECK(ledger.frames() == host.holdings().page_blocks);
    }
    CHECK(ledger.frames() == 0);
    CHECK(host.holdings() == Holdings{});
}

TEST_CASE_METHOD(Fixture, "a mapping may cross every kind of table border", "[page_tables]") {
    const unsigned levels = GENERATE(4u, 5u);
    PageTables tables{ledger, levels};
    const std::uint64_t border =
        GENERATE(0x20'0000ull, 0x4000'0000ull, 0x80'0000'0000ull, 0x1'0000'0000'0000ull);
    REQUIRE(tables.map_pages(border - 2 * page_bytes, Physical{0x5000'0000}, 4 * page_bytes,
                             PageTables::read_write));
    for (unsigned page = 0; page < 4; ++page)
        check_leaf(walk(host, tables.root(), levels, border + (page - 2ull) * page_bytes),
                   0x5000'0000 + page * page_bytes, page_bytes, true, false);
}

TEST_CASE_METHOD(Fixture, "large pages map a guest's scattered memory one to one", "[page_tables]") {
    const unsigned levels = GENERATE(4u, 5u);
    PageTables tables{ledger, levels};
    std::vector<PhysicalRange> extents{{Physical{0}, 2 * mib},
                                       {Physical{0x3fe0'0000}, 4 * mib},    // across a GiB
                                       {Physical{0x7f'ffe0'0000}, 4 * mib}, // across 512 GiB
                                       {Physical{0x100'0000'0000}, 1536 * mib}};
    for (const PhysicalRange& extent : extents)
        REQUIRE(tables.map_large(extent.start().value(), extent.start(), extent.bytes()));
    std::mt19937_64 random{2}; // NOLINT(cert-msc51-cpp): the same each time
    for (const PhysicalRange& extent : extents) {
        for (int i = 0; i < 50; ++i) {
            const std::uint64_t va = extent.start().value() + random() % extent.bytes();
            check_leaf(walk(host, tables.root(), levels, va), va, large_page_bytes, true, true);
        }
        const std::uint64_t end = extent.start().value() + extent.bytes();
        check_leaf(walk(host, tables.root(), levels, end - 1), end - 1, large_page_bytes, true, true);
        CHECK_FALSE(walk(host, tables.root(), levels, end));
    }
}

TEST_CASE_METHOD(Fixture, "mapping again replaces the page and takes no table", "[page_tables]") {
    PageTables tables{ledger, 4};
    REQUIRE(tables.map_pages(0x1000, Physical{0xa000}, page_bytes, PageTables::read_write));
    const std::uint64_t frames = ledger.frames();
    REQUIRE(tables.map_pages(0x1000, Physical{0xb000}, page_bytes, PageTables::read_execute));
    check_leaf(walk(host, tables.root(), 4, 0x1000), 0xb000, page_bytes, false, true);
    CHECK(ledger.frames() == frames);
}

TEST_CASE_METHOD(Fixture, "one tree lends a gigabyte to another", "[page_tables]") {
    const unsigned levels = GENERATE(4u, 5u);
    PageTables lender{ledger, levels};
    PageTables borrower{ledger, levels};
    CHECK(lender.gigabyte_entry(COOP_PASSAGE_VA) == 0);
    REQUIRE(lender.map_pages(COOP_PASSAGE_VA, Physical{0x7000}, page_bytes, PageTables::read_execute));
    const std::uint64_t entry = lender.gigabyte_entry(COOP_PASSAGE_VA);
    CHECK((entry & 0xfff) == 0x63); // present, writable, accessed, dirty; leaves decide
    CHECK(lender.gigabyte_entry(COOP_PASSAGE_VA + (1 << 30) - 1) == entry);
    CHECK(lender.gigabyte_entry(COOP_PASSAGE_VA + (1 << 30)) == 0);
    CHECK(lender.gigabyte_entry(COOP_PASSAGE_VA - 1) == 0);
    CHECK(lender.gigabyte_entry(0) == 0);

    REQUIRE(borrower.map_large(0, Physical{0}, 2 * mib));
    REQUIRE(borrower.share_gigabyte(COOP_PASSAGE_VA, entry));
    CHECK(borrower.gigabyte_entry(COOP_PASSAGE_VA) == entry);
    check_leaf(walk(host, borrower.root(), levels, COOP_PASSAGE_VA), 0x7000, page_bytes, false, true);
    // What the lender maps later shows in both; nothing else does.
    const std::uint64_t data = COOP_PASSAGE_VA + COOP_PASSAGE_VCPU_STRIDE;
    REQUIRE(lender.map_pages(data, Physical{0x9000}, page_bytes, PageTables::read_write));
    check_leaf(walk(host, borrower.root(), levels, data), 0x9000, page_bytes, true, false);
    CHECK_FALSE(walk(host, lender.root(), levels, 0));
    // The guest finds the passage by this index of its top table but one.
    CHECK((COOP_PASSAGE_VA >> 30 & 0x1ff) == COOP_PASSAGE_PUD_INDEX);
}

TEST_CASE_METHOD(Fixture, "mapping below a large or a borrowed page is a bug of ours", "[page_tables]") {
    PageTables lender{ledger, 4};
    REQUIRE(lender.map_pages(0, Physical{0}, page_bytes, PageTables::read_write));
    PageTables tables{ledger, 4};
    REQUIRE(tables.map_large(0, Physical{0}, 2 * mib));
    CHECK_THROWS_AS(tables.map_pages(0x1000, Physical{0}, page_bytes, PageTables::read_write), CoreBug);
    REQUIRE(tables.share_gigabyte(1 << 30, lender.gigabyte_entry(0)));
    CHECK_THROWS_AS(tables.map_large(1 << 30, Physical{0}, 2 * mib), CoreBug);
}

TEST_CASE_METHOD(Fixture, "a tree that cannot be finished leaves nothing", "[page_tables]") {
    const unsigned levels = GENERATE(4u, 5u);
    unsigned refused = 0;
    for (;; ++refused) {
        host.fail_call(refused + 1);
        PageTables tables{ledger, levels};
        Status status =
            tables.map_pages(0x7fff'ffff'f000, Physical{0}, 2 * page_bytes, PageTables::read_write);
        if (status)
            status = tables.map_large(1 << 30, Physical{0}, 2 * mib);
        if (status)
            status = tables.share_gigabyte(0, 0);
        if (host.refused_call().empty()) {
            CHECK(status);
            break;
        }
        CHECK(status.status() == -COOP_E_NO_MEMORY);
        // It goes on where it was refused.
        CHECK(tables.map_large(0x4000'0000, Physical{0}, 2 * mib));
        check_leaf(walk(host, tables.root(), levels, 0x4000'0000), 0, large_page_bytes, true, true);
    }
    host.fail_call(0);
    CHECK(refused >= 2 * levels);
    CHECK(host.holdings() == Holdings{});
    CHECK(ledger.frames() == 0);
}
