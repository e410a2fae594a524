// SPDX-License-Identifier: GPL-2.0-only
#include "monitor/log_ring.hpp"

#include "core/fake_host.hpp"

#include <catch2/catch.hpp>

#include <memory>
#include <string>

using coop::LogRing;
using namespace coop::test;

namespace {

// Byte n of the endless text that these tests write.
std::uint8_t byte_at(std::uint64_t n) {
    return static_cast<std::uint8_t>(n * 31 + n / 251);
}

struct Fixture {
    FakeHost host;
    std::unique_ptr<LogRing> ring = std::make_unique<LogRing>();
    std::uint64_t written = 0;

    void write(std::size_t count) {
        std::vector<std::uint8_t> text(count);
        for (std::uint8_t& byte : text)
            byte = byte_at(written++);
        coop_host_critical_begin();
        ring->write(text);
        coop_host_critical_end();
    }

    // Reads and checks that each byte is the one of its position.
    std::size_t read(std::uint64_t& position, std::size_t capacity) {
        std::vector<std::uint8_t> to(capacity);
        const std::size_t count = ring->read(position, to);
        bool same = true;
        for (std::size_t i = 0; i < count; ++i)
            same = same && to[i] == byte_at(position - count + i);
        CHECK(same);
        return count;
    }
};

} // namespace

TEST_CASE_METHOD(Fixture, "an empty log has nothing to read", "[log_ring]") {
    std::uint64_t position = 0;
    CHECK(read(position, 100) == 0);
    CHECK(position == 0);
}

TEST_CASE_METHOD(Fixture, "what one read returns has no gap", "[log_ring]") {
    std::uint64_t position = 0;
    write(10'000);
    // Behind the first chunk a writer overtakes the reader.
    host.on_critical_end = [this] { write(LogRing::bytes); };
    const std::size_t count = read(position, 10'000);
    CHECK(count > 0);
    CHECK(count < 10'000);
    CHECK(position == count);
    CHECK(read(position, 1) == 1);
    CHECK(position == written - LogRing::bytes + 1);
}

TEST_CASE_METHOD(Fixture, "a reader goes on where it stopped", "[log_ring]") {
    std::uint64_t position = 0;
    write(100);
    CHECK(read(position, 60) == 60);
    CHECK(position == 60);
    write(7);
    CHECK(read(position, 1000) == 47);
    CHECK(position == 107);
    CHECK(read(position, 1000) == 0);
    CHECK(read(position, 0) == 0);
    CHECK(position == 107);
}

TEST_CASE_METHOD(Fixture, "the ring holds its size and loses the oldest", "[log_ring]") {
    std::uint64_t position = 0;
    write(LogRing::bytes);
    CHECK(read(position, 2 * LogRing::bytes) == LogRing::bytes);

    position = 0;
    write(1);
    CHECK(read(position, 1) == 1);
    CHECK(position == 2); // byte 0 is lost

    write(5 * LogRing::bytes + 123);
    CHECK(read(position, 2 * LogRing::bytes) == LogRing::bytes);
    CHECK(position == written);
}

TEST_CASE_METHOD(Fixture, "a write longer than the ring leaves its end", "[log_ring]") {
    write(3 * LogRing::bytes + 17);
    std::uint64_t position = 1000;
    CHECK(read(position, 2 * LogRing::bytes) == LogRing::bytes);
    CHECK(position == written);
}

TEST_CASE_METHOD(Fixture, "a position beyond the end is brought back", "[log_ring]") {
    write(10);
    for (std::uint64_t beyond : {std::uint64_t{11}, UINT64_MAX}) {
        std::uint64_t position = beyond;
        CHECK(read(position, 100) == 0);
        CHECK(position == 10);
    }
}

TEST_CASE_METHOD(Fixture, "a long read is many short critical sections", "[log_ring]") {
    write(LogRing::bytes);
    host.forget_history();
    std::uint64_t position = 0;
    CHECK(read(position, LogRing::bytes) == LogRing::bytes);
    CHECK(host.count("critical_begin") >= 16);
    CHECK(host.count("critical_begin") == host.count("critical_end"));
}
