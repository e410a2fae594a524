// SPDX-License-Identifier: GPL-2.0-only
#include "monitor/tsc_clock.hpp"

#include <catch2/catch.hpp>

using coop::TscClock;

TEST_CASE("ticks become nanoseconds", "[tsc_clock]") {
    const TscClock one_ghz{1'000'000};
    CHECK(one_ghz.khz() == 1'000'000);
    CHECK(one_ghz.to_ns(0) == 0);
    CHECK(one_ghz.to_ns(1) == 1);
    CHECK(one_ghz.to_ns(UINT64_MAX) == UINT64_MAX);
    CHECK(TscClock{2'000'000}.to_ns(10'000'000'000) == 5'000'000'000);
    CHECK(TscClock{1}.to_ns(3) == 3'000'000);
}

TEST_CASE("what does not fit saturates", "[tsc_clock]") {
    CHECK(TscClock{1}.to_ns(UINT64_MAX) == UINT64_MAX);
    CHECK(TscClock{999'999}.to_ns(UINT64_MAX) == UINT64_MAX);
    CHECK(TscClock{1'000'001}.to_ns(UINT64_MAX) < UINT64_MAX);
}

TEST_CASE("a clock that was never set stands still", "[tsc_clock]") {
    CHECK(TscClock{}.to_ns(UINT64_MAX) == 0);
}

TEST_CASE("the error stays below a few parts per thousand million, and never runs ahead", "[tsc_clock]") {
    for (const std::uint64_t khz : {1ull, 999ull, 1'000'003ull, 2'194'843ull, 2'999'999ull, 5'700'001ull}) {
        for (const std::uint64_t ticks :
             {1ull, 12'345ull, 1ull << 32, 86'400'000ull * 2'999'999, 1ull << 62}) {
            const long double exact = static_cast<long double>(ticks) * 1'000'000 / khz;
            if (exact >= 18e18L)
                continue;
            const auto ns = static_cast<long double>(TscClock{khz}.to_ns(ticks));
            INFO("khz " << khz << ", ticks " << ticks);
            CHECK(ns <= exact + 1);
            CHECK(exact - ns <= exact * 2e-9L + 1);
        }
    }
}
