// SPDX-License-Identifier: GPL-2.0-only
// The virtio block device (virtio 1.2, section 5.2).
#include "devices/block.hpp"
#include "memory_file.hpp"
#include "test_guest.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <random>
#include <thread>

using namespace coop;
using namespace coop::test;

namespace {

constexpr std::uint64_t data = TestGuest::data_gpa;
constexpr std::uint32_t in = 0;
constexpr std::uint32_t out = 1;
constexpr std::uint32_t flush = 4;
constexpr std::uint32_t get_id = 8;
constexpr std::uint32_t discard = 11;
constexpr std::uint32_t write_zeroes = 13;
constexpr int ok = 0;
constexpr int io_error = 1;
constexpr int unsupported = 2;
constexpr std::uint64_t f_flush = 1ull << 9;

struct Rig {
    explicit Rig(BlockOptions options = {}, std::uint64_t bytes = 64 * 512, bool read_only_file = false)
        : file{std::make_shared<MemoryFile>(bytes, read_only_file)},
          block{std::make_shared<Block>(file, options)},
          guest{block} {}

    std::shared_ptr<MemoryFile> file;
    std::shared_ptr<Block> block;
    TestGuest guest;

    // Requests have their own places: header and status of number n, data wherever the caller says.
    static std::uint64_t header_at(unsigned n) { return data + 0x20000 + 64 * n; }
    static std::uint64_t status_at(unsigned n) { return header_at(n) + 32; }

    std::uint16_t offer(unsigned n, std::uint32_t type, std::uint64_t sector,
                        std::vector<Buffer> const& buffers) {
        guest.ram().put(header_at(n), type);
        guest.ram().put(header_at(n) + 4, std::uint32_t{0});
        guest.ram().put(header_at(n) + 8, sector);
        guest.ram().put(status_at(n), std::uint8_t{0xee});
        std::vector<Buffer> all{{header_at(n), 16, false}};
        all.insert(all.end(), buffers.begin(), buffers.end());
        all.push_back({status_at(n), 1, true});
        return guest.queue(0).offer(all);
    }
    void ring() {
        guest.queue(0).publish();
        guest.bus().doorbell(0, 0);
    }
    TestDriver::Used wait() {
        for (int i = 0; i < 20000; ++i) {
            if (auto used = guest.queue(0).take_used()) {
                return *used;
            }
            std::this_thread::sleep_for(std::chrono::milliseconds{1});
        }
        FAIL("a request did not complete");
        return {};
    }
    int status(unsigned n) { return guest.ram().get<std::uint8_t>(status_at(n)); }
    // One request from start to end; its status.
    int run(std::uint32_t type, std::uint64_t sector, std::vector<Buffer> const& buffers) {
        auto const head = offer(0, type, sector, buffers);
        ring();
        auto const used = wait();
        CHECK(used.head == head);
        std::uint32_t writable = 1;
        for (auto const& buffer : buffers) {
            writable += buffer.writable ? buffer.bytes : 0;
        }
        CHECK(used.written == writable);
        return status(0);
    }
    void fill(std::uint64_t gpa, std::size_t bytes, std::uint8_t value) {
        std::memset(guest.ram().ram().translate(gpa, bytes), value, bytes);
    }
    bool is(std::uint64_t gpa, std::size_t bytes, std::uint8_t value) {
        auto const* p = guest.ram().ram().translate(gpa, bytes);
        return std::all_of(p, p + bytes, [value](std::byte octet) { return octet == std::byte{value}; });
    }
    int ranges(std::uint32_t type, std::vector<std::array<std::uint64_t, 3>> const& list) {
        std::uint64_t at = data;
        for (auto const& [sector, sectors, flags] : list) {
            guest.ram().put(at, sector);
            guest.ram().put(at + 8, static_cast<std::uint32_t>(sectors));
            guest.ram().put(at + 12, static_cast<std::uint32_t>(flags));
            at += 16;
        }
        return run(type, 0, {{data, static_cast<std::uint32_t>(16 * list.size()), false}});
    }
    bool file_is(std::uint64_t first, std::uint64_t sectors, std::uint8_t value) {
        auto const begin = file->contents.begin() + static_cast<std::ptrdiff_t>(first * 512);
        return std::all_of(begin, begin + static_cast<std::ptrdiff_t>(sectors * 512),
                           [value](std::byte octet) { return octet == std::byte{value}; });
    }
};

} // namespace

TEST_CASE("the block device's page (5.2.1 to 5.2.4)", "[block]") {
    Rig rig;
    auto const& page = rig.guest.page();
    auto const config32 = [&page](unsigned offset) {
        std::uint32_t value = 0;
        std::memcpy(&value, page.config + offset, 4);
        return value;
    };
    CHECK(page.device_id == 2);
    CHECK(page.queues == 1);
    CHECK(page.queue[0].size_max == 256);
    CHECK(page.config_size == 60);
    CHECK(config32(0) == 64);
    CHECK(config32(4) == 0);
    CHECK(config32(12) == 254);
    CHECK(config32(20) == 512);
    CHECK(config32(40) == 32);
    CHECK(config32(52) == 32);
    CHECK(page.device_features == (1ull << 2 | 1ull << 6 | 1ull << 9 | 1ull << 13 | 1ull << 14 | 1ull << 28 |
                                   1ull << 29 | 1ull << 32));
    Rig const read_only{{.read_only = true}};
    CHECK(read_only.block->features() ==
          (1ull << 2 | 1ull << 5 | 1ull << 6 | 1ull << 9 | 1ull << 28 | 1ull << 29 | 1ull << 32));
    CHECK(Rig{{}, 512, true}.block->features() == read_only.block->features());
}

TEST_CASE("what is written can be read", "[block]") {
    Rig rig;
    REQUIRE(rig.guest.start() == 15);
    rig.fill(data, 1024, 0xa1);
    rig.fill(data + 0x1000, 512, 0xa2);
    CHECK(rig.run(out, 3, {{data, 1000, false}, {data + 1000, 24, false}, {data + 0x1000, 512, false}}) ==
          ok);
    CHECK(rig.file_is(3, 2, 0xa1));
    CHECK(rig.file_is(5, 1, 0xa2));
    CHECK(rig.file_is(6, 58, 0));
    CHECK(rig.run(in, 4, {{data + 0x2000, 511, true}, {data + 0x3000, 513, true}}) == ok);
    CHECK(rig.is(data + 0x2000, 511, 0xa1));
    CHECK(rig.is(data + 0x3000, 1, 0xa1));
    CHECK(rig.is(data + 0x3001, 512, 0xa2));
    CHECK(rig.guest.raised() >= 1);
}

TEST_CASE("header and status may be split and joined (2.7.4)", "[block]") {
    Rig rig;
    REQUIRE(rig.guest.start() == 15);
    rig.guest.ram().put(data, out);
    rig.guest.ram().put(data + 8, std::uint64_t{2});
    rig.fill(data + 16, 512, 0x77);
    rig.guest.queue(0).offer({{data, 3, false}, {data + 3, 525, false}, {data + 0x1000, 1, true}});
    rig.ring();
    CHECK(rig.wait().written == 1);
    CHECK(rig.guest.ram().get<std::uint8_t>(data + 0x1000) == ok);
    CHECK(rig.file_is(2, 1, 0x77));

    rig.guest.ram().put(data, in);
    rig.guest.ram().put(data + 0x2000 + 512, std::uint8_t{9});
    rig.guest.queue(0).offer({{data, 16, false}, {data + 0x2000, 513, true}}); // data and status in one
    rig.ring();
    CHECK(rig.wait().written == 513);
    CHECK(rig.is(data + 0x2000, 512, 0x77));
    CHECK(rig.guest.ram().get<std::uint8_t>(data + 0x2000 + 512) == ok);
}

TEST_CASE("requests outside the disk fail, and change nothing (5.2.6)", "[block]") {
    Rig rig;
    REQUIRE(rig.guest.start() == 15);
    rig.fill(data, 4096, 0x55);
    for (auto const type : {in, out}) {
        bool const write = type == out;
        CHECK(rig.run(type, 63, {{data, 512, !write}}) == ok);
        CHECK(rig.run(type, 64, {{data, 512, !write}}) == io_error);
        CHECK(rig.run(type, 63, {{data, 1024, !write}}) == io_error);
        CHECK(rig.run(type, UINT64_MAX, {{data, 512, !write}}) == io_error);
        CHECK(rig.run(type, UINT64_MAX / 512, {{data, 1024, !write}}) == io_error);
        CHECK(rig.run(type, 1ull << 55, {{data, 512, !write}}) == io_error);
        CHECK(rig.run(type, 0, {{data, 511, !write}}) == io_error);
        CHECK(rig.run(type, 64, {}) == ok); // nothing, at the very end
        CHECK(rig.run(type, 65, {}) == io_error);
    }
    CHECK(rig.file_is(0, 63, 0));
}

TEST_CASE("a failed read shows nothing but zeroes", "[block]") {
    Rig rig;
    REQUIRE(rig.guest.start() == 15);
    rig.fill(data, 512, 0x55);
    rig.file->fail_at = 0;
    CHECK(rig.run(in, 0, {{data, 512, true}}) == io_error);
    CHECK(rig.is(data, 512, 0));
}

TEST_CASE("read-only disks refuse changes", "[block]") {
    Rig rig{{.read_only = true}};
    REQUIRE(rig.guest.start() == 15);
    CHECK(rig.run(out, 0, {{data, 512, false}}) == io_error);
    CHECK(rig.ranges(discard, {{0, 1, 0}}) == io_error);
    CHECK(rig.ranges(write_zeroes, {{0, 1, 0}}) == io_error);
    CHECK(rig.file->operations == 0);
    CHECK(rig.run(in, 0, {{data, 512, true}}) == ok);
    CHECK(rig.run(flush, 0, {}) == ok);
}

TEST_CASE("the serial number is 20 bytes (5.2.6)", "[block]") {
    Rig rig{{.serial = "root-disk"}};
    REQUIRE(rig.guest.start() == 15);
    rig.fill(data, 32, 0x55);
    CHECK(rig.run(get_id, 0, {{data, 20, true}}) == ok);
    CHECK(std::memcmp(rig.guest.ram().at(data), "root-disk\0\0\0\0\0\0\0\0\0\0\0", 20) == 0);
    CHECK(rig.is(data + 20, 12, 0x55));
    CHECK(rig.run(get_id, 0, {{data, 19, true}}) == io_error);
    Rig longer{{.serial = "0123456789abcdefghijKLM"}};
    REQUIRE(longer.guest.start() == 15);
    CHECK(longer.run(get_id, 0, {{data, 24, true}}) == ok);
    CHECK(std::memcmp(longer.guest.ram().at(data), "0123456789abcdefghij\0\0\0\0", 24) == 0);
}

TEST_CASE("discard and write zeroes (5.2.6)", "[block]") {
    Rig rig;
    REQUIRE(rig.guest.start() == 15);
    std::fill(rig.file->contents.begin(), rig.file->contents.end(), std::byte{0x11});
    CHECK(rig.ranges(discard, {{1, 2, 0}, {10, 1, 0}}) == ok);
    CHECK(rig.file_is(1, 2, 0xdd));
    CHECK(rig.file_is(10, 1, 0xdd));
    CHECK(rig.ranges(write_zeroes, {{3, 1, 0}, {4, 1, 1}, {5, 0, 0}}) == ok);
    CHECK(rig.file_is(3, 2, 0));
    CHECK(rig.file_is(5, 5, 0x11));

    auto const before = rig.file->operations;
    CHECK(rig.ranges(discard, {{20, 1, 1}}) == unsupported);
    CHECK(rig.ranges(discard, {{20, 1, 2}}) == unsupported);
    CHECK(rig.ranges(write_zeroes, {{20, 1, 2}}) == unsupported);
    CHECK(rig.ranges(discard, {{20, 1, 0}, {64, 1, 0}}) == io_error);
    CHECK(rig.ranges(discard, {{UINT64_MAX, 1, 0}}) == io_error);
    CHECK(rig.ranges(write_zeroes, {{0, UINT32_MAX, 0}}) == io_error);
    CHECK(rig.ranges(discard, std::vector<std::array<std::uint64_t, 3>>(33, {0, 1, 0})) == io_error);
    CHECK(rig.run(discard, 0, {}) == io_error);
    CHECK(rig.run(discard, 0, {{data, 17, false}}) == io_error);
    CHECK(rig.file->operations == before); // all or nothing
}

TEST_CASE("what was not negotiated is not supported", "[block]") {
    Rig rig;
    REQUIRE(rig.guest.start(virtio_f_version_1) == 15);
    CHECK(rig.ranges(discard, {{0, 1, 0}}) == unsupported);
    CHECK(rig.ranges(write_zeroes, {{0, 1, 0}}) == unsupported);
    CHECK(rig.run(99, 0, {{data, 512, true}}) == unsupported);
    // Without VIRTIO_BLK_F_FLUSH a completed write is stable (5.2.6.2).
    rig.fill(data, 512, 0x33);
    CHECK(rig.run(out, 0, {{data, 512, false}}) == ok);
    CHECK(rig.file->stable[0] == std::byte{0x33});
}

TEST_CASE("a header that is cut short fails alone", "[block]") {
    Rig rig;
    REQUIRE(rig.guest.start() == 15);
    rig.guest.queue(0).offer({{data, 15, false}, {data + 0x1000, 1, true}});
    rig.guest.queue(0).offer({{data + 0x1001, 1, true}});
    rig.ring();
    rig.wait();
    rig.wait();
    CHECK(rig.guest.ram().get<std::uint8_t>(data + 0x1000) == io_error);
    CHECK(rig.guest.ram().get<std::uint8_t>(data + 0x1001) == io_error);
    CHECK(rig.run(flush, 0, {}) == ok);
}

TEST_CASE("no room for the status, or a bad chain, breaks the device until reset", "[block]") {
    Rig rig;
    REQUIRE(rig.guest.start() == 15);
    if (GENERATE(true, false)) {
        rig.guest.queue(0).offer({{data, 16, false}});
    } else {
        rig.guest.queue(0).offer_head(300);
    }
    rig.ring();
    CHECK(rig.guest.page().status_seen == (15 | 64));
    REQUIRE(rig.guest.faults().size() == 1);
    CHECK_THAT(rig.guest.faults()[0], Catch::Matchers::StartsWith("block device:"));
    REQUIRE(rig.guest.start() == 15);
    CHECK(rig.run(flush, 0, {}) == ok);
}

TEST_CASE("many requests are in flight at once", "[block]") {
    Rig rig{{.workers = 4}};
    REQUIRE(rig.guest.start() == 15);
    rig.file->hold();
    for (unsigned n = 0; n < 64; ++n) {
        rig.fill(data + 512 * n, 512, static_cast<std::uint8_t>(n + 1));
        rig.offer(n, out, n, {{data + 512 * n, 512, false}});
    }
    rig.ring();
    rig.file->wait_for_callers(4);
    CHECK_FALSE(rig.guest.queue(0).take_used());
    rig.file->release();
    for (unsigned n = 0; n < 64; ++n) {
        rig.wait();
    }
    for (unsigned n = 0; n < 64; ++n) {
        CHECK(rig.status(n) == ok);
        CHECK(rig.file_is(n, 1, static_cast<std::uint8_t>(n + 1)));
    }
    CHECK(rig.file->most_at_once == 4);
}

TEST_CASE("a flush makes all completed writes stable", "[block]") {
    Rig rig{{.workers = 3}};
    REQUIRE(rig.guest.start() == 15);
    std::mt19937 random{6};
    std::vector<std::uint8_t> completed(64);
    for (int round = 0; round < 100; ++round) {
        std::map<std::uint16_t, unsigned> writes;
        for (unsigned n = 0; n < 16; ++n) {
            unsigned const sector = n * 4 + static_cast<unsigned>(random() % 4);
            auto const value = static_cast<std::uint8_t>(random());
            rig.fill(data + 512 * n, 512, value);
            writes[rig.offer(n, out, sector, {{data + 512 * n, 512, false}})] = sector;
            completed[sector] = value;
        }
        rig.ring();
        for (unsigned n = 0; n < 16; ++n) {
            rig.wait();
        }
        REQUIRE(rig.run(flush, 0, {}) == ok);
        for (unsigned sector = 0; sector < 64; ++sector) {
            REQUIRE(rig.file->stable[sector * 512] == std::byte{completed[sector]});
        }
    }
}

TEST_CASE("a reset forgets what waits, and is over when what runs is", "[block]") {
    Rig rig{{.workers = 2}};
    REQUIRE(rig.guest.start() == 15);
    rig.file->hold();
    for (unsigned n = 0; n < 32; ++n) {
        rig.offer(n, in, 0, {{data, 512, true}});
    }
    rig.ring();
    rig.file->wait_for_callers(2);
    SECTION("a driver's is answered then") {
        std::uint32_t const status = GENERATE(0, 15 | 128);
        CHECK(rig.guest.set_status(status) == ~0u);
        rig.ring();
        rig.guest.bus().doorbell(0, COOP_QUEUE_CONFIG);
        CHECK(rig.guest.page().command_seen != rig.guest.page().command);
        CHECK_FALSE(rig.guest.bus().idle());
        rig.file->release();
        CHECK(rig.guest.wait_for_reset() == status);
        CHECK(rig.guest.page().command_seen == rig.guest.page().command);
    }
    SECTION("a driver that does not wait for the answer is heard then") {
        rig.guest.set_status(0);
        CHECK(rig.guest.set_status(1) == ~0u);
        rig.file->release();
        CHECK(rig.guest.wait_for_reset() == 1);
        CHECK(rig.guest.page().command_seen == rig.guest.page().command);
    }
    SECTION("the bus's own waits, though a driver's has begun") {
        if (GENERATE(true, false)) {
            rig.guest.set_status(0);
        }
        std::atomic<bool> reset{false};
        std::thread resetting{[&] {
            rig.guest.bus().reset_all();
            reset = true;
        }};
        std::this_thread::sleep_for(std::chrono::milliseconds{50});
        CHECK_FALSE(reset);
        rig.file->release();
        resetting.join();
        CHECK(rig.guest.bus().idle());
    }
    CHECK(rig.file->operations == 2);
    // Guest memory is the guest's again.
    rig.fill(data, 512, 0x99);
    rig.fill(TestGuest::rings_gpa, 0x4000, 0x99);
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
    CHECK(rig.is(data, 512, 0x99));
    CHECK(rig.is(TestGuest::rings_gpa, 0x4000, 0x99));
    REQUIRE(rig.guest.start() == 15);
    CHECK(rig.run(in, 0, {{data, 512, true}}) == ok);
}

TEST_CASE("a reset cuts a long request short", "[block]") {
    constexpr std::uint64_t sectors = 40 * 2048; // 40 MiB: three pieces
    Rig rig{{}, (sectors + 1) * 512};
    REQUIRE(rig.guest.start() == 15);
    auto const type = GENERATE(discard, write_zeroes);
    rig.guest.ram().put(data, std::uint64_t{1});
    rig.guest.ram().put(data + 8, std::uint32_t{sectors});
    rig.file->hold();
    rig.offer(0, type, 0, {{data, 16, false}});
    rig.ring();
    rig.file->wait_for_callers(1);
    CHECK(rig.guest.set_status(0) == ~0u);
    rig.file->release();
    CHECK(rig.guest.wait_for_reset() == 0);
    CHECK(rig.file->operations == 1);

    REQUIRE(rig.guest.start() == 15);
    std::fill(rig.file->contents.begin(), rig.file->contents.end(), std::byte{0x11});
    CHECK(rig.ranges(type, {{1, sectors, 0}}) == ok);
    CHECK(rig.file->operations == 4);
    CHECK(rig.file_is(0, 1, 0x11));
    CHECK(rig.file_is(1, sectors, type == discard ? 0xdd : 0));
}

TEST_CASE("each operation of the file may fail: the request says so, the device goes on", "[block]") {
    for (unsigned n = 0; n < 6; ++n) {
        Rig rig;
        REQUIRE(rig.guest.start() == 15);
        rig.file->fail_at = n;
        std::vector<int> const results{
            rig.run(in, 0, {{data, 512, true}}),
            rig.run(out, 0, {{data, 512, false}}),
            rig.run(flush, 0, {}),
            rig.ranges(discard, {{0, 1, 0}}),
            rig.ranges(write_zeroes, {{0, 1, 0}}),
            rig.run(in, 1, {{data, 512, true}}),
        };
        for (unsigned i = 0; i < results.size(); ++i) {
            CHECK(results[i] == (i == n ? io_error : ok));
        }
        CHECK(rig.guest.faults().empty());
    }
}

TEST_CASE("random requests leave the disk as a model says", "[block]") {
    Rig rig{{.workers = 3}};
    REQUIRE(rig.guest.start() == 15);
    std::vector<std::uint8_t> model(64);
    std::mt19937 random{7};
    for (int round = 0; round < 200; ++round) {
        // Requests of one batch touch different sectors, since their order is free.
        std::vector<unsigned> sectors(64);
        for (unsigned i = 0; i < 64; ++i) {
            sectors[i] = i;
        }
        std::shuffle(sectors.begin(), sectors.end(), random);
        std::vector<std::pair<unsigned, std::uint8_t>> reads; // number, expected
        unsigned const count = 1 + static_cast<unsigned>(random() % 40);
        for (unsigned n = 0; n < count; ++n) {
            std::uint64_t const at = data + 512 * n;
            if (random() % 2 == 0) {
                model[sectors[n]] = static_cast<std::uint8_t>(random());
                rig.fill(at, 512, model[sectors[n]]);
                rig.offer(n, out, sectors[n], {{at, 512, false}});
            } else {
                rig.offer(n, in, sectors[n], {{at, 200, true}, {at + 200, 312, true}});
                reads.emplace_back(n, model[sectors[n]]);
            }
            if (random() % 8 == 0) {
                rig.ring();
            }
        }
        rig.ring();
        for (unsigned n = 0; n < count; ++n) {
            rig.wait();
        }
        for (auto const& [n, value] : reads) {
            REQUIRE(rig.is(data + 512 * n, 512, value));
        }
    }
}
