// SPDX-License-Identifier: GPL-2.0-only
// Devices at work while another CPU of the guest writes all over what they share with it. They may break, and
// the guest's memory is worth nothing; but they stay inside it, answer each reset, keep off after that, and
// serve the next driver.
#include "devices/block.hpp"
#include "devices/console.hpp"
#include "memory_file.hpp"
#include "scribbler.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <string>

using namespace coop;
using namespace coop::test;
using namespace std::chrono_literals;

namespace {

constexpr unsigned steps = 20;

// A file that takes its time, so that resets come while its callers are inside.
class SlowFile : public MemoryFile {
public:
    using MemoryFile::MemoryFile;
    std::error_code read(std::uint64_t offset, std::span<std::span<std::byte> const> buffers) override {
        ++reads;
        std::this_thread::sleep_for(100us);
        return MemoryFile::read(offset, buffers);
    }
    std::atomic<unsigned> reads{0};
};

// A driver among the scribbles.
struct Bench {
    Bench(std::shared_ptr<Device> device, unsigned seed)
        : queues{static_cast<unsigned>(device->queue_sizes().size())},
          features{device->features()}, // what the page says of them may be anything
          guest{std::move(device)},
          random{seed} {
        REQUIRE(start());
    }
    bool start() { return guest.start(features) == 15; }

    // Until enough has happened, whatever share of the CPUs each thread gets. buffers(queue, n): what request
    // number n there is made of; served(): how many were.
    template <typename Buffers, typename Served>
    void run(Buffers buffers, Served served) {
        auto const enough = [&] { return started >= 200 && guest.faults_seen() >= 300 && served() >= 2000; };
        Scribbler scribbler{guest, static_cast<unsigned>(random())};
        auto last = served();
        auto until = std::chrono::steady_clock::now() + 60s; // for the next to be served
        for (unsigned round = 0; !enough(); ++round) {
            auto const now = std::chrono::steady_clock::now();
            if (auto const all = served(); all != last) {
                last = all;
                until = now + 60s;
            } else if (now > until) {
                FAIL(started << " starts, " << guest.faults_seen() << " faults, " << served() << " served");
            }
            started += start() ? 1 : 0;
            for (unsigned step = 0; step < steps; ++step) {
                unsigned const index = random() % queues;
                TestDriver& queue = guest.queue(index);
                for (unsigned used = 0; used < RequestArea::count && queue.take_used(); ++used) {
                }
                auto const request = buffers(index, static_cast<unsigned>(random() % RequestArea::count));
                if (queue.can_offer(request.size())) {
                    queue.offer(request);
                    queue.publish();
                }
                if (random() % 16 == 0) {
                    scribbler.wait(random() % 64);
                }
                guest.bus().doorbell(0, random() % 16 == 0 ? COOP_QUEUE_CONFIG : index);
            }
            if (round % 8 == 0) {
                auto const lock = scribbler.pause();
                check_reset();
            }
        }
    }

    // The device's answer holds, whatever it had under way.
    void check_reset() {
        guest.set_status(0);
        REQUIRE(guest.wait_for_reset() == 0);
        REQUIRE(guest.page().command_seen == guest.page().command);
        auto* const memory = guest.ram().at(TestGuest::rings_gpa);
        auto* const end = guest.ram().at(TestGuest::shared_gpa) + TestRam::default_size;
        std::fill(memory, end, std::byte{0x99});
        std::this_thread::sleep_for(1ms);
        REQUIRE(std::all_of(memory, end, [](std::byte octet) { return octet == std::byte{0x99}; }));
    }

    unsigned queues;
    std::uint64_t features;
    TestGuest guest;
    std::mt19937 random;
    unsigned started = 0;
};

} // namespace

TEST_CASE("a disk among scribbles", "[scribble]") {
    auto const file = std::make_shared<SlowFile>(64 * 512);
    Bench bench{std::make_shared<Block>(file, BlockOptions{}), 11};
    bench.run(
        [&](unsigned, unsigned n) -> std::vector<Buffer> {
            return {{RequestArea::header(n), 16, false},
                    {RequestArea::buffer(n), 512, n % 2 == 0},
                    {RequestArea::status(n), 1, true}};
        },
        [&] { return file->reads.load(); });
    REQUIRE(bench.start());
    auto const at = RequestArea::header(0);
    bench.guest.ram().put(at, std::uint64_t{0});     // read …
    bench.guest.ram().put(at + 8, std::uint64_t{5}); // … sector 5
    std::fill_n(file->contents.begin() + 5 * 512, 512, std::byte{0x77});
    auto& queue = bench.guest.queue(0);
    queue.offer({{at, 16, false}, {RequestArea::buffer(0), 512, true}, {RequestArea::status(0), 1, true}});
    queue.publish();
    bench.guest.bus().doorbell(0, 0);
    auto used = queue.take_used();
    for (int i = 0; i < 20000 && !used; ++i) {
        std::this_thread::sleep_for(1ms);
        used = queue.take_used();
    }
    REQUIRE(used);
    CHECK(used->written == 513);
    CHECK(bench.guest.ram().get<std::uint8_t>(RequestArea::status(0)) == 0);
    CHECK(bench.guest.ram().get<std::uint8_t>(RequestArea::buffer(0) + 511) == 0x77);
}

TEST_CASE("a console among scribbles", "[scribble]") {
    std::string seen;
    unsigned calls = 0;
    auto const console = std::make_shared<Console>(
        [&](std::span<std::byte const> bytes) {
            ++calls;
            seen.assign(reinterpret_cast<char const*>(bytes.data()), std::min<std::size_t>(bytes.size(), 64));
        },
        [] {});
    Bench bench{console, 12};
    std::atomic<std::size_t> input{0};
    {
        std::jthread const typist{[&](std::stop_token const& stop) {
            std::array<std::byte, 40> const keys{};
            for (std::uint16_t columns = 0; !stop.stop_requested(); ++columns) {
                input += console->input(keys);
                console->resize(columns, 25);
                std::this_thread::yield();
            }
        }};
        bench.run(
            [&](unsigned queue, unsigned n) -> std::vector<Buffer> {
                return {{RequestArea::buffer(n), 1 + n, queue == 0}};
            },
            [&] { return calls; });
    }
    CHECK(input > 2 * Console::input_limit); // all but the last of it went to the guest

    REQUIRE(bench.start());
    std::memcpy(bench.guest.ram().at(RequestArea::buffer(0)), "hello", 5);
    bench.guest.queue(1).offer({{RequestArea::buffer(0), 5, false}});
    bench.guest.queue(1).publish();
    bench.guest.bus().doorbell(0, 1);
    CHECK(seen == "hello");
}
