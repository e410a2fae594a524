// SPDX-License-Identifier: GPL-2.0-only
// What threads rely on that wait for each other: the C++ library loses no notification. One that is lost
// hangs. (Without futexes GCC 12's has to be mended for that: cmake/CoopAtomicWait.cmake.)
#include <catch2/catch.hpp>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <semaphore>
#include <thread>

namespace {

constexpr unsigned turns = 50000;

} // namespace

TEST_CASE("no release of a semaphore is lost", "[wake]") {
    std::counting_semaphore<> there{0};
    std::counting_semaphore<> back{0};
    std::jthread const other{[&] {
        for (unsigned i = 0; i < turns; ++i) {
            there.acquire();
            back.release();
        }
    }};
    for (unsigned i = 0; i < turns; ++i) {
        there.release();
        back.acquire();
    }
    CHECK_FALSE(back.try_acquire());
}

TEST_CASE("no notification of an atomic is lost", "[wake]") {
    std::atomic<unsigned> turn{0}; // even: the other's
    auto const take_turns = [&turn](unsigned first) {
        for (unsigned i = first; i < 2 * turns; i += 2) {
            while (turn != i) {
                turn.wait(i - 1);
            }
            ++turn;
            turn.notify_one();
        }
    };
    {
        std::jthread const other{take_turns, 0};
        take_turns(1);
    }
    CHECK(turn == 2 * turns);
}

TEST_CASE("who waits with a stop_token hears of the stop", "[wake]") {
    std::mutex mutex;
    std::condition_variable_any never;
    for (unsigned i = 0; i < turns / 50; ++i) {
        std::jthread const waiter{[&](std::stop_token const& stop) {
            std::unique_lock lock{mutex};
            never.wait(lock, stop, [] { return false; });
        }};
        if (i % 2 == 0) {
            std::this_thread::yield(); // it waits already, or has not begun
        }
    }
}
