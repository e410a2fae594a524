// SPDX-License-Identifier: GPL-2.0-only
#include "memory/guest_memory.hpp"

#include "core/guest_fixture.hpp"

#include <catch2/catch.hpp>

#include <array>

using namespace coop;
using namespace coop::test;

namespace {

using Runs = std::array<coop_u64, COOP_CREATE_RUNS>;

struct Fixture {
    FakeHost host;
    FrameLedger ledger;

    // After a refusal nothing may be held, and another try must be possible.
    void check_refused(GuestMemory& memory, const Status& status, int error) {
        CHECK(status.status() == -error);
        CHECK(host.holdings() == Holdings{});
        CHECK(ledger.frames() == 0);
        CHECK(memory.bytes() == 0);
        CHECK(memory.extents().empty());
    }

    // What holds for any memory that could be taken.
    void check_whole(const GuestMemory& memory, std::uint64_t bytes, const Runs& runs) {
        std::uint64_t offset = 0;
        std::uint64_t end = 0;
        Runs seen{};
        for (const coop_extent& extent : memory.extents()) {
            CHECK(extent.gpa >= end);
            CHECK(is_aligned(extent.gpa, large_page_bytes));
            CHECK(extent.map_offset == offset);
            CHECK(memory.owns(Physical{extent.gpa}, extent.size));
            if (extent.run != COOP_EXTENT_PLAIN)
                seen.at(extent.run) += extent.size;
            offset += extent.size;
            end = extent.gpa + extent.size;
        }
        CHECK(offset == bytes);
        CHECK(memory.bytes() == bytes);
        CHECK(ledger.frames() == bytes / page_bytes);
        CHECK(seen == runs);
    }
};

// Every second large page is free: no run is longer than one.
std::vector<PhysicalRange> fragmented(std::uint64_t bytes) {
    std::vector<PhysicalRange> ranges;
    for (std::uint64_t at = 0; at < bytes; at += large_page_bytes)
        ranges.emplace_back(Physical{0x2'0000'0000 + 2 * at}, large_page_bytes);
    return ranges;
}

} // namespace

TEST_CASE_METHOD(Fixture, "a signal ends the taking, and nothing is kept", "[guest_memory]") {
    GuestMemory memory{ledger};
    unsigned before = GENERATE(0u, 1u, 3u); // the first run, a run, a plain block
    host.on_yield = [&] { return before-- == 0; };
    check_refused(memory, memory.take(18 * mib, Runs{6 * mib, 0, 2 * mib, 0}), COOP_E_INTERRUPTED);
    host.on_yield = nullptr;
    CHECK(memory.take(18 * mib, Runs{}));
}

TEST_CASE_METHOD(Fixture, "a signal while the host looks for a run is no want of memory", "[guest_memory]") {
    GuestMemory memory{ledger};
    unsigned before = 1;
    host.ram.set_largest_run(2 * mib);
    host.on_yield = [&] { return before-- == 0; };
    check_refused(memory, memory.take(18 * mib, Runs{6 * mib, 0, 2 * mib, 0}), COOP_E_INTERRUPTED);
}

TEST_CASE_METHOD(Fixture, "runs come first, then plain blocks", "[guest_memory]") {
    GuestMemory memory{ledger};
    const Runs runs{6 * mib, 0, 2 * mib, 0};
    REQUIRE(memory.take(18 * mib, runs));
    check_whole(memory, 18 * mib, runs);
    CHECK(host.arguments("ram_alloc") ==
          std::vector<std::uint64_t>{6 * mib, 2 * mib, 4 * mib, 4 * mib, 2 * mib});
}

TEST_CASE_METHOD(Fixture, "all of it may be one run", "[guest_memory]") {
    GuestMemory memory{ledger};
    const Runs runs{0, 0, 0, 64 * mib};
    REQUIRE(memory.take(64 * mib, runs));
    check_whole(memory, 64 * mib, runs);
    CHECK(memory.extents().size() == 1);
}

TEST_CASE_METHOD(Fixture, "large memories", "[guest_memory]") {
    GuestMemory memory{ledger};
    const Runs runs{64 * mib, 512 * mib, 2 * mib, 0};
    REQUIRE(memory.take(3072 * mib, runs));
    check_whole(memory, 3072 * mib, runs);
}

TEST_CASE_METHOD(Fixture, "a fragmented host gives 2 MiB blocks", "[guest_memory]") {
    host.ram.set_free(fragmented(64 * mib));
    GuestMemory memory{ledger};
    const Runs runs{2 * mib, 0, 0, 0};
    REQUIRE(memory.take(64 * mib, runs));
    check_whole(memory, 64 * mib, runs);
    CHECK(memory.extents().size() == 32);
}

TEST_CASE_METHOD(Fixture, "4 MiB blocks are taken as long as there are any", "[guest_memory]") {
    std::vector<PhysicalRange> ranges = fragmented(8 * mib);
    ranges.emplace_back(Physical{0x8'0000'0000}, 8 * mib);
    host.ram.set_free(ranges);
    GuestMemory memory{ledger};
    REQUIRE(memory.take(16 * mib, Runs{}));
    check_whole(memory, 16 * mib, {});
    CHECK(memory.extents().size() == 2 + 4);
}

TEST_CASE_METHOD(Fixture, "neighbouring extents stay two", "[guest_memory]") {
    GuestMemory memory{ledger};
    REQUIRE(memory.take(8 * mib, Runs{4 * mib}));
    const auto extents = memory.extents();
    REQUIRE(extents.size() == 2);
    REQUIRE(extents[0].gpa + extents[0].size == extents[1].gpa);
    const std::uint64_t border = extents[1].gpa;
    CHECK(memory.owns(Physical{border - 1}, 1));
    CHECK(memory.owns(Physical{border}, 1));
    // They are next to each other in the guest, not in the host's mappings.
    CHECK_FALSE(memory.owns(Physical{border - 1}, 2));
}

TEST_CASE_METHOD(Fixture, "ownership ends at each extent's edges", "[guest_memory]") {
    host.ram.set_free(fragmented(16 * mib));
    GuestMemory memory{ledger};
    CHECK_FALSE(memory.owns(Physical{0}, 1));
    REQUIRE(memory.take(16 * mib, Runs{}));
    for (const coop_extent& extent : memory.extents()) {
        const auto at = [&](std::uint64_t offset) { return Physical{extent.gpa + offset}; };
        CHECK(memory.owns(at(0), extent.size));
        CHECK(memory.owns(at(extent.size - 1), 1));
        CHECK_FALSE(memory.owns(at(0), extent.size + 1));
        CHECK_FALSE(memory.owns(at(1), extent.size));
        CHECK_FALSE(memory.owns(at(extent.size), 1));
        CHECK_FALSE(memory.owns(at(-1ull), 1));
        CHECK_FALSE(memory.owns(at(-1ull), 2));
        for (const std::uint64_t huge : {UINT64_MAX, UINT64_MAX - extent.gpa, 0 - extent.gpa})
            CHECK_FALSE(memory.owns(at(1), huge));
        auto* first = static_cast<std::uint8_t*>(memory.checked(at(0), extent.size));
        REQUIRE(first);
        CHECK(memory.checked(at(0x1234), 1) == first + 0x1234);
        CHECK(memory.checked(at(extent.size - 1), 2) == nullptr);
        CHECK(memory.checked(at(-1ull), 1) == nullptr);
    }
    for (const std::uint64_t stray : {std::uint64_t{0}, std::uint64_t{1}, UINT64_MAX, UINT64_MAX - 4095}) {
        CHECK_FALSE(memory.owns(Physical{stray}, 1));
        CHECK_FALSE(memory.owns(Physical{stray}, UINT64_MAX));
    }
}

TEST_CASE_METHOD(Fixture, "a map offset finds its frame", "[guest_memory]") {
    host.ram.set_free(fragmented(8 * mib));
    GuestMemory memory{ledger};
    CHECK(memory.frame_at(0).error().code() == COOP_E_INVALID);
    REQUIRE(memory.take(8 * mib, Runs{}));
    for (const coop_extent& extent : memory.extents()) {
        CHECK(memory.frame_at(extent.map_offset).take() == Physical{extent.gpa});
        CHECK(memory.frame_at(extent.map_offset + page_bytes + 17).take() ==
              Physical{extent.gpa + page_bytes});
        CHECK(memory.frame_at(extent.map_offset + extent.size - 1).take() ==
              Physical{extent.gpa + extent.size - page_bytes});
    }
    CHECK(memory.frame_at(8 * mib).error().code() == COOP_E_INVALID);
    CHECK(memory.frame_at(UINT64_MAX).error().code() == COOP_E_INVALID);
}

TEST_CASE_METHOD(Fixture, "odd sizes are refused", "[guest_memory]") {
    GuestMemory memory{ledger};
    check_refused(memory, memory.take(0, Runs{}), COOP_E_INVALID);
    check_refused(memory, memory.take(2 * mib - 1, Runs{}), COOP_E_INVALID);
    check_refused(memory, memory.take(3 * mib, Runs{}), COOP_E_INVALID);
    check_refused(memory, memory.take(8 * mib, Runs{mib}), COOP_E_INVALID);
    check_refused(memory, memory.take(8 * mib, Runs{10 * mib}), COOP_E_INVALID);
    check_refused(memory, memory.take(8 * mib, Runs{4 * mib, 2 * mib, 2 * mib, 2 * mib}), COOP_E_INVALID);
    // Sums that wrap to something small.
    const std::uint64_t half = 1ull << 63;
    check_refused(memory, memory.take(8 * mib, Runs{half, half, 2 * mib, 0}), COOP_E_INVALID);
    CHECK(host.count("ram_alloc") == 0);
    REQUIRE(memory.take(8 * mib, Runs{4 * mib, 2 * mib, 2 * mib, 0}));
}

TEST_CASE_METHOD(Fixture, "more than the host has is refused before any is taken", "[guest_memory]") {
    GuestMemory memory{ledger};
    check_refused(memory, memory.take(host.ram.available() + 2 * mib, Runs{}), COOP_E_NO_MEMORY);
    check_refused(memory, memory.take(align_down(UINT64_MAX, large_page_bytes), Runs{}), COOP_E_NO_MEMORY);
    CHECK(host.count("ram_alloc") == 0);
}

TEST_CASE_METHOD(Fixture, "a run that cannot be had in one piece is too big", "[guest_memory]") {
    host.ram.set_largest_run(16 * mib);
    GuestMemory memory{ledger};
    check_refused(memory, memory.take(64 * mib, Runs{4 * mib, 18 * mib}), COOP_E_TOO_BIG);
    REQUIRE(memory.take(64 * mib, Runs{4 * mib, 16 * mib}));
}

TEST_CASE_METHOD(Fixture, "plain memory that runs out midway all goes back", "[guest_memory]") {
    // The hint promises more than there is in usable pieces.
    std::vector<PhysicalRange> ranges = fragmented(16 * mib);
    for (int i = 0; i < 64; ++i)
        ranges.emplace_back(Physical{0x10'0000'0000 + i * large_page_bytes}, mib);
    host.ram.set_free(ranges);
    GuestMemory memory{ledger};
    check_refused(memory, memory.take(18 * mib, Runs{2 * mib}), COOP_E_NO_MEMORY);
    REQUIRE(memory.take(16 * mib, Runs{2 * mib}));
}
