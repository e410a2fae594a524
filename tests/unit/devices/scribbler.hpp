// SPDX-License-Identifier: GPL-2.0-only
// A guest's CPU that writes all over a device's page, rings and buffers while the device serves them: wild
// values, and such as are nearly right.
#pragma once

#include "test_guest.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <random>
#include <stop_token>
#include <thread>
#include <vector>

namespace coop::test {

// Where the guest is to have its requests, and how many: each has a header, a status and data.
struct RequestArea {
    static constexpr std::uint64_t header(unsigned n) { return TestGuest::data_gpa + 64 * n; }
    static constexpr std::uint64_t status(unsigned n) { return header(n) + 32; }
    static constexpr std::uint64_t buffer(unsigned n) { return TestGuest::data_gpa + 0x8000 + 512 * n; }
    static constexpr unsigned count = 64;
};

class Scribbler {
public:
    // Begins at once. The guest's queues have been laid out once, and stay where they are.
    Scribbler(TestGuest& guest, unsigned seed) : ram_{guest.ram()}, random_{seed} {
        page_ = TestGuest::shared_gpa + guest.shared()->device_offset;
        for (unsigned i = 0; i < guest.page().queues; ++i) {
            layouts_.push_back(guest.queue(i).layout());
        }
        thread_ = std::jthread{[this](std::stop_token const& stop) {
            while (!stop.stop_requested()) {
                {
                    std::lock_guard const lock{mutex_};
                    for (unsigned i = 0; i < 16; ++i) {
                        scribble();
                        ++written_;
                    }
                }
                std::this_thread::yield();
            }
        }};
    }

    // Returns when so many more words were written: the other thread may have no CPU of its own.
    void wait(unsigned words) const {
        for (unsigned const end = written_ + words; static_cast<int>(end - written_) > 0;) {
            std::this_thread::yield();
        }
    }
    // Nothing is written for as long as the lock lives.
    [[nodiscard]] std::unique_lock<std::mutex> pause() { return std::unique_lock{mutex_}; }

private:
    template <typename T>
    std::atomic_ref<T> word(std::uint64_t gpa) {
        return std::atomic_ref<T>{*reinterpret_cast<T*>(ram_.at(gpa))};
    }
    template <typename T>
    void put(std::uint64_t gpa, std::uint64_t value) {
        word<T>(gpa).store(static_cast<T>(value), std::memory_order_relaxed);
    }
    bool rarely() { return random_() % 64 == 0; }

    void scribble() {
        auto const& queue = layouts_[random_() % layouts_.size()];
        switch (random_() % 10) {
        case 0:
            if (rarely()) { // a handshake is some ten accesses, and must succeed now and then
                put<std::uint16_t>(page_ + 2 * (random_() % 512), random_());
            }
            break;
        case 1:
            put<std::uint16_t>(queue.device_gpa + 2 * (random_() % (2 + 4 * queue.size)), random_());
            break;
        case 2:
            available(queue);
            break;
        case 3:
        case 4:
            header();
            break;
        case 5:
        case 6:
            descriptor(queue);
            break;
        default:
            flicker_next(queue);
        }
    }

    // Right and wrong in turn, for a device that reads twice: once to check, once to use.
    template <typename T>
    void flicker(std::uint64_t gpa, std::uint64_t right, std::uint64_t wrong) {
        for (unsigned i = 0; i < 32; ++i) {
            put<T>(gpa, i % 2 == 0 ? wrong : right);
        }
    }

    // In the request that the device takes next.
    void flicker_next(VirtqueueLayout const& queue) {
        auto const index = word<std::uint16_t>(queue.driver_gpa + 2).load() - random_() % 2;
        auto const entry = queue.driver_gpa + 4 + 2 * (index % queue.size);
        auto const head = word<std::uint16_t>(entry).load() % queue.size;
        auto const at = queue.desc_gpa + 16ull * head;
        unsigned const n = random_() % RequestArea::count;
        switch (random_() % 6) {
        case 0:
            flicker<std::uint64_t>(at, RequestArea::header(n), rarely() ? 0 : random_());
            break;
        case 1:
            flicker<std::uint32_t>(at + 8, 16, random_());
            break;
        case 2:
            flicker<std::uint16_t>(at + 12, word<std::uint16_t>(at + 12).load(), random_() % 8);
            break;
        case 3:
            flicker<std::uint16_t>(at + 14, word<std::uint16_t>(at + 14).load(), queue.size + random_() % 64);
            break;
        default:
            flicker<std::uint16_t>(entry, head, queue.size + random_() % 64);
        }
    }

    void available(VirtqueueLayout const& queue) {
        if (rarely()) {
            auto index = word<std::uint16_t>(queue.driver_gpa + 2);
            index.store(static_cast<std::uint16_t>(index.load() + random_() % (queue.size + 2)));
        } else {
            put<std::uint16_t>(queue.driver_gpa + 4 + 2 * (random_() % queue.size),
                               random_() % (queue.size + (rarely() ? 8 : 0)));
        }
    }

    void header() {
        static constexpr std::array types{0, 1, 4, 8, 11, 13, 99};
        unsigned const n = random_() % RequestArea::count;
        put<std::uint32_t>(RequestArea::header(n), types[random_() % types.size()]);
        put<std::uint64_t>(RequestArea::header(n) + 8,
                           rarely() ? std::uint64_t{random_()} << 32 : random_() % 72);
        put<std::uint32_t>(RequestArea::buffer(n) + 8, random_() % 72); // the length of a range to discard
    }

    void descriptor(VirtqueueLayout const& queue) {
        std::uint64_t const at = queue.desc_gpa + 16 * (random_() % queue.size);
        unsigned const n = random_() % RequestArea::count;
        std::array<std::uint64_t, 4> const places{RequestArea::header(n), RequestArea::buffer(n),
                                                  queue.desc_gpa,
                                                  TestGuest::shared_gpa + TestRam::default_size - 256};
        std::array<std::uint64_t, 4> const sizes{16, 512, 1, random_() % 4096};
        switch (random_() % 4) {
        case 0:
            put<std::uint64_t>(at, rarely() ? random_() : places[random_() % places.size()]);
            break;
        case 1:
            put<std::uint32_t>(at + 8, rarely() ? random_() : sizes[random_() % sizes.size()]);
            break;
        case 2:
            put<std::uint16_t>(at + 12, rarely() ? random_() : random_() % 4);
            break;
        default:
            put<std::uint16_t>(at + 14, random_() % (queue.size + (rarely() ? 8 : 0)));
        }
    }

    TestRam& ram_;
    std::mt19937 random_;
    std::uint64_t page_ = 0;
    std::vector<VirtqueueLayout> layouts_;
    std::atomic<unsigned> written_{0};
    std::mutex mutex_;
    std::jthread thread_; // last: it uses all of the above
};

} // namespace coop::test
