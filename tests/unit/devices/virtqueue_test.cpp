// SPDX-License-Identifier: GPL-2.0-only
// Virtqueue against virtio 1.2, section 2.7: what a correct driver does, and everything a wrong one might.
#include "bell.hpp"
#include "test_driver.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <random>
#include <stdexcept>
#include <thread>

using namespace coop;
using namespace coop::test;

namespace {

constexpr std::uint64_t base = TestRam::default_gpa;
constexpr std::uint64_t data = base + 0x8000; // away from the rings
constexpr std::uint64_t all_features = virtio_common_features;

Virtqueue make(TestRam const& ram, VirtqueueLayout const& layout, std::uint64_t features = all_features) {
    auto queue = Virtqueue::create(ram.ram(), layout, features);
    REQUIRE(queue);
    return std::move(*queue);
}

Chain pop_one(Virtqueue& queue) {
    auto popped = queue.pop();
    REQUIRE(popped);
    REQUIRE(popped->has_value());
    return std::move(**popped);
}

std::string pop_failure(Virtqueue& queue) {
    auto popped = queue.pop();
    return popped ? "" : popped.error().message;
}

struct Rig {
    TestRam ram;
    TestDriver driver{ram, base, 8};
    Virtqueue queue = make(ram, driver.layout());
};

} // namespace

TEST_CASE("a queue must be a power of two, aligned and in RAM (2.7)", "[virtqueue]") {
    TestRam ram;
    VirtqueueLayout const good{8, base, base + 128, base + 256};
    auto const accepts = [&ram](VirtqueueLayout const& layout) {
        return Virtqueue::create(ram.ram(), layout, all_features).has_value();
    };
    CHECK(accepts(good));
    for (int const size : {0, 3, 7, 9, 32767, 65535}) {
        auto layout = good;
        layout.size = static_cast<std::uint16_t>(size);
        CHECK_FALSE(accepts(layout));
    }
    auto layout = good;
    layout.desc_gpa += 8;
    CHECK_FALSE(accepts(layout));
    layout = good;
    layout.driver_gpa += 1;
    CHECK_FALSE(accepts(layout));
    layout = good;
    layout.device_gpa += 2;
    CHECK_FALSE(accepts(layout));

    // Exactly at the end of RAM, and a step beyond. Sizes include the event fields.
    std::uint64_t const end = base + TestRam::default_size;
    CHECK(accepts({8, end - 128, base, base + 256}));
    CHECK_FALSE(accepts({8, end - 112, base, base + 256}));
    CHECK(accepts({8, base, end - 22, base + 256}));
    CHECK_FALSE(accepts({8, base, end - 20, base + 256}));
    CHECK(accepts({8, base, base + 128, end - 72}));
    CHECK_FALSE(accepts({8, base, base + 128, end - 68}));
    CHECK_FALSE(accepts({32768, end - 4096, base, base}));
    CHECK_FALSE(accepts({8, UINT64_MAX & ~15ull, base, base + 256}));
    CHECK_FALSE(accepts({8, 0, 0, 0}));
}

TEST_CASE("a queue that is not enabled is empty", "[virtqueue]") {
    Virtqueue queue;
    CHECK_FALSE(queue.enabled());
    auto popped = queue.pop();
    REQUIRE(popped);
    CHECK_FALSE(popped->has_value());
    CHECK_FALSE(queue.should_interrupt());
    queue.disable_notifications();
    CHECK_FALSE(queue.enable_notifications());
    CHECK_THROWS_AS(queue.push(Chain{}, 0), std::logic_error);
}

TEST_CASE("chains come in order and go back in any (2.7.13, 2.7.14)", "[virtqueue]") {
    Rig rig;
    auto const first =
        rig.driver.offer({{data, 16, false}, {data + 0x100, 512, true}, {data + 0x400, 1, true}});
    auto const second = rig.driver.offer({{data + 0x800, 7, false}});
    auto popped = rig.queue.pop();
    REQUIRE(popped);
    CHECK_FALSE(popped->has_value()); // not yet published

    rig.driver.publish();
    auto const one = pop_one(rig.queue);
    CHECK(one.head == first);
    REQUIRE(one.readable.size() == 1);
    CHECK(one.readable[0].data() == rig.ram.at(data));
    CHECK(one.readable[0].size() == 16);
    REQUIRE(one.writable.size() == 2);
    CHECK(one.writable[1].data() == rig.ram.at(data + 0x400));
    CHECK(one.readable_bytes == 16);
    CHECK(one.writable_bytes == 513);
    auto const two = pop_one(rig.queue);
    CHECK(two.head == second);
    CHECK(two.writable.empty());

    rig.queue.push(two, 0);
    rig.queue.push(one, 513);
    auto used = rig.driver.take_used();
    REQUIRE(used);
    CHECK(used->head == second);
    CHECK(used->written == 0);
    used = rig.driver.take_used();
    REQUIRE(used);
    CHECK(used->head == first);
    CHECK(used->written == 513);
    CHECK_FALSE(rig.driver.take_used());
}

TEST_CASE("an own chain cannot be pushed twice", "[virtqueue]") {
    Rig rig;
    rig.driver.offer({{data, 1, false}});
    rig.driver.publish();
    auto const chain = pop_one(rig.queue);
    rig.queue.push(chain, 0);
    CHECK_THROWS_AS(rig.queue.push(chain, 0), std::logic_error);
}

TEST_CASE("indices wrap at 2^16 (2.7.6)", "[virtqueue]") {
    Rig rig;
    for (unsigned i = 0; i < 70000; ++i) {
        auto const head = rig.driver.offer({{data, 4, i % 2 == 0}});
        rig.driver.publish();
        auto const chain = pop_one(rig.queue);
        rig.queue.push(chain, i);
        auto const used = rig.driver.take_used();
        if (!used || used->head != head || used->written != i) {
            FAIL("lost at " << i);
        }
    }
}

TEST_CASE("indirect tables (2.7.5.3)", "[virtqueue]") {
    Rig rig;
    std::uint64_t const table = base + 0x4000;
    SECTION("alone, longer than the queue, at any address") {
        for (std::uint64_t const offset : {0, 1, 4, 8, 15}) {
            std::vector<Buffer> buffers;
            for (unsigned i = 0; i < 20; ++i) {
                buffers.push_back({data + 64 * i, 64, i >= 10});
            }
            auto const head = rig.driver.offer_indirect(table + offset, buffers);
            rig.driver.publish();
            auto const chain = pop_one(rig.queue);
            CHECK(chain.head == head);
            CHECK(chain.readable.size() == 10);
            CHECK(chain.writable.size() == 10);
            CHECK(chain.writable[9].data() == rig.ram.at(data + 64 * 19));
            CHECK(chain.readable_bytes == 640);
        }
    }
    SECTION("after chained descriptors") {
        rig.driver.write_raw_at(table, data + 64, 8, desc_write, 0);
        rig.driver.write_raw(3, data, 16, desc_next, 5);
        rig.driver.write_raw(5, table, 16, desc_indirect, 0);
        rig.driver.offer_head(3);
        rig.driver.publish();
        auto const chain = pop_one(rig.queue);
        CHECK(chain.readable_bytes == 16);
        CHECK(chain.writable_bytes == 8);
    }
    auto const failure = [&](std::uint64_t gpa, std::uint32_t bytes, std::uint16_t flags) {
        rig.driver.write_raw(0, gpa, bytes, flags, 1);
        rig.driver.offer_head(0);
        rig.driver.publish();
        return pop_failure(rig.queue);
    };
    using Catch::Matchers::Contains;
    SECTION("nested") {
        rig.driver.write_raw_at(table, table, 16, desc_indirect, 0);
        CHECK_THAT(failure(table, 16, desc_indirect), Contains("inside an indirect"));
    }
    SECTION("with a next one") {
        CHECK_THAT(failure(table, 16, desc_indirect | desc_next), Contains("with a next"));
    }
    SECTION("empty") {
        CHECK_THAT(failure(table, 0, desc_indirect), Contains("indirect table of 0 bytes"));
    }
    SECTION("not whole") {
        CHECK_THAT(failure(table, 24, desc_indirect), Contains("indirect table of 24 bytes"));
    }
    SECTION("too long") {
        CHECK_THAT(failure(table, 16 * (Virtqueue::max_indirect + 1), desc_indirect),
                   Contains("indirect table of"));
    }
    SECTION("not in RAM") {
        CHECK_THAT(failure(base + TestRam::default_size - 16, 32, desc_indirect),
                   Contains("not in guest RAM"));
    }
    SECTION("loop inside") {
        rig.driver.write_raw_at(table, data, 1, desc_next, 1);
        rig.driver.write_raw_at(table + 16, data, 1, desc_next, 0);
        CHECK_THAT(failure(table, 32, desc_indirect), Contains("does not end"));
    }
    SECTION("next beyond the table, though within the queue") {
        rig.driver.write_raw_at(table, data, 1, desc_next, 2);
        CHECK_THAT(failure(table, 32, desc_indirect), Contains("descriptor 2 of 2"));
    }
    SECTION("not negotiated") {
        rig.queue = make(rig.ram, rig.driver.layout(), virtio_f_version_1);
        CHECK_THAT(failure(table, 16, desc_indirect), Contains("VIRTIO_F_INDIRECT_DESC"));
    }
}

TEST_CASE("broken chains are refused", "[virtqueue]") {
    Rig rig;
    auto const failure = [&rig](std::uint16_t head) {
        rig.driver.offer_head(head);
        rig.driver.publish();
        return pop_failure(rig.queue);
    };
    using Catch::Matchers::Contains;
    SECTION("head beyond the queue") {
        CHECK_THAT(failure(8), Contains("descriptor 8 of 8"));
    }
    SECTION("next beyond the queue") {
        rig.driver.write_raw(0, data, 1, desc_next, 8);
        CHECK_THAT(failure(0), Contains("descriptor 8 of 8"));
    }
    SECTION("loop") {
        rig.driver.write_raw(0, data, 1, desc_next, 1);
        rig.driver.write_raw(1, data, 1, desc_next, 0);
        CHECK_THAT(failure(0), Contains("does not end"));
    }
    SECTION("loop to itself") {
        rig.driver.write_raw(7, data, 1, desc_next | desc_write, 7);
        CHECK_THAT(failure(7), Contains("does not end"));
    }
    SECTION("readable after writable") {
        rig.driver.write_raw(0, data, 1, desc_next | desc_write, 1);
        rig.driver.write_raw(1, data, 1, 0, 0);
        CHECK_THAT(failure(0), Contains("readable buffer after"));
    }
    SECTION("no bytes") {
        rig.driver.write_raw(0, data, 0, 0, 0);
        CHECK_THAT(failure(0), Contains("no bytes"));
    }
    SECTION("outside RAM") {
        for (std::uint64_t const gpa :
             {std::uint64_t{0}, base - 1, base + TestRam::default_size - 1, UINT64_MAX, UINT64_MAX - 1}) {
            Rig fresh;
            fresh.driver.write_raw(0, gpa, 2, 0, 0);
            fresh.driver.offer_head(0);
            fresh.driver.publish();
            CHECK_THAT(pop_failure(fresh.queue), Contains("not in guest RAM"));
        }
    }
    SECTION("4 GiB and more") {
        rig.driver.write_raw(0, base, TestRam::default_size, desc_next, 1);
        rig.driver.write_raw(1, base, UINT32_MAX, 0, 0);
        CHECK_THAT(failure(0), Contains("4 GiB"));
    }
    SECTION("the same head twice") {
        rig.driver.write_raw(0, data, 1, 0, 0);
        rig.driver.offer_head(0);
        rig.driver.publish();
        pop_one(rig.queue);
        CHECK_THAT(failure(0), Contains("again while in use"));
    }
    SECTION("index ahead of the queue") {
        rig.driver.publish_index(9);
        CHECK_THAT(pop_failure(rig.queue), Contains("9 ahead in a queue of 8"));
    }
    SECTION("index going back") {
        rig.driver.publish_index(UINT16_MAX);
        CHECK_THAT(pop_failure(rig.queue), Contains("65535 ahead"));
    }
}

TEST_CASE("a buffer over several mappings comes in pieces", "[virtqueue]") {
    TestRam ram{{{0x10000000, 0x4000}, {0x10004000, 0x4000}, {0x10008000, 0x4000}, {0x20000000, 0x8000}}};
    TestDriver driver{ram, 0x20000000, 8};
    auto queue = make(ram, driver.layout());
    driver.offer({{0x10003f00, 0x4200, true}});
    driver.publish();
    auto const chain = pop_one(queue);
    REQUIRE(chain.writable.size() == 3);
    CHECK(chain.writable[0].size() == 0x100);
    CHECK(chain.writable[1].data() == ram.at(0x10004000));
    CHECK(chain.writable[2].size() == 0x100);
    CHECK(chain.writable_bytes == 0x4200);
}

TEST_CASE("interrupt suppression without EVENT_IDX (2.7.7)", "[virtqueue]") {
    Rig rig;
    rig.queue = make(rig.ram, rig.driver.layout(), virtio_f_version_1);
    auto const round = [&rig] {
        rig.driver.offer({{data, 1, false}});
        rig.driver.publish();
        rig.queue.push(pop_one(rig.queue), 0);
        rig.driver.take_used();
        return rig.queue.should_interrupt();
    };
    CHECK_FALSE(rig.queue.should_interrupt());
    CHECK(round());
    CHECK_FALSE(rig.queue.should_interrupt()); // nothing new
    rig.driver.set_no_interrupt(true);
    CHECK_FALSE(round());
    rig.driver.set_no_interrupt(false);
    CHECK(round());
}

TEST_CASE("interrupt suppression with EVENT_IDX (2.7.7, 2.7.10)", "[virtqueue]") {
    Rig rig;
    std::uint16_t pushed = 0;
    auto const push = [&](unsigned count) {
        for (unsigned i = 0; i < count; ++i) {
            rig.driver.offer({{data, 1, false}});
            rig.driver.publish();
            rig.queue.push(pop_one(rig.queue), 0);
            rig.driver.take_used();
            ++pushed;
        }
    };
    rig.driver.set_no_interrupt(true); // to be ignored (2.7.7.2)
    rig.driver.set_used_event(0);
    push(1);
    CHECK(rig.queue.should_interrupt());
    push(1); // used_event is behind
    CHECK_FALSE(rig.queue.should_interrupt());
    rig.driver.set_used_event(static_cast<std::uint16_t>(pushed + 2)); // wants the third from now
    push(2);
    CHECK_FALSE(rig.queue.should_interrupt());
    push(1);
    CHECK(rig.queue.should_interrupt());
    rig.driver.set_used_event(static_cast<std::uint16_t>(pushed + 1)); // passed by a batch
    push(5);
    CHECK(rig.queue.should_interrupt());

    // Against the definition, across the wrap.
    std::mt19937 random{2};
    for (int i = 0; i < 20000; ++i) {
        std::uint16_t const before = pushed;
        auto const event = static_cast<std::uint16_t>(before + random() % 12 - 4);
        rig.driver.set_used_event(event);
        auto const count = static_cast<unsigned>(1 + random() % 8);
        push(count);
        bool expected = false;
        for (unsigned k = 0; k < count; ++k) {
            expected = expected || static_cast<std::uint16_t>(before + k) == event;
        }
        if (rig.queue.should_interrupt() != expected) {
            FAIL("pushed " << count << " from " << before << " with used_event " << event);
        }
    }
}

TEST_CASE("doorbell suppression (2.7.10)", "[virtqueue]") {
    Rig rig;
    SECTION("by flag") {
        rig.queue = make(rig.ram, rig.driver.layout(), virtio_f_version_1);
        rig.queue.disable_notifications();
        CHECK(rig.driver.no_notify());
        CHECK_FALSE(rig.queue.enable_notifications());
        CHECK_FALSE(rig.driver.no_notify());
    }
    SECTION("by event index") {
        CHECK_FALSE(rig.queue.enable_notifications());
        CHECK(rig.driver.avail_event() == 0);
        for (std::uint16_t i = 1; i <= 3; ++i) {
            rig.driver.offer({{data, 1, false}});
            rig.driver.publish();
            rig.queue.disable_notifications();
            CHECK(rig.driver.avail_event() == i - 1);
            pop_one(rig.queue);
            CHECK_FALSE(rig.queue.enable_notifications());
            CHECK(rig.driver.avail_event() == i);
        }
        CHECK_FALSE(rig.driver.no_notify());
    }
    SECTION("what came meanwhile is reported") {
        rig.queue.disable_notifications();
        rig.driver.offer({{data, 1, false}});
        rig.driver.publish();
        CHECK(rig.queue.enable_notifications());
        pop_one(rig.queue);
        CHECK_FALSE(rig.queue.enable_notifications());
    }
}

TEST_CASE("random chains arrive whole", "[virtqueue]") {
    std::mt19937 random{3};
    for (int round = 0; round < 60; ++round) {
        TestRam ram{{{0x10000000, 0x10000}, {0x10010000, 0x10000}, {0x40000000, 0x10000}}};
        auto const size = static_cast<std::uint16_t>(1u << (1 + random() % 7));
        TestDriver driver{ram, 0x40000000, size};
        auto queue = make(ram, driver.layout());
        std::map<std::uint16_t, std::vector<Buffer>> offered;
        std::vector<Chain> held;
        for (int step = 0; step < 400; ++step) {
            bool const indirect = random() % 3 == 0 && size >= 2;
            std::size_t const count = 1 + random() % std::min<unsigned>(indirect ? 32 : size, 32);
            if (random() % 2 == 0 && driver.can_offer(indirect ? 1 : count)) {
                std::vector<Buffer> buffers;
                std::size_t const readable = random() % (count + 1);
                for (std::size_t i = 0; i < count; ++i) {
                    buffers.push_back({0x10000000 + random() % 0x1e000,
                                       1 + static_cast<std::uint32_t>(random() % 0x2000), i >= readable});
                }
                auto const head =
                    indirect ? driver.offer_indirect(0x40008000 + 512ull * (held.size() % 16), buffers)
                             : driver.offer(buffers);
                driver.publish();
                offered[head] = buffers;
                // Taken at once: the table of an indirect chain is used again.
                auto chain = pop_one(queue);
                REQUIRE(chain.head == head);
                std::vector<std::uint64_t> addresses;
                std::size_t readable_seen = 0;
                std::size_t writable_seen = 0;
                for (auto const& buffer : buffers) {
                    std::uint64_t at = buffer.gpa;
                    while (at < buffer.gpa + buffer.bytes) {
                        std::byte const* piece = nullptr;
                        std::size_t bytes = 0;
                        if (buffer.writable) {
                            piece = chain.writable.at(writable_seen).data();
                            bytes = chain.writable.at(writable_seen++).size();
                        } else {
                            piece = chain.readable.at(readable_seen).data();
                            bytes = chain.readable.at(readable_seen++).size();
                        }
                        REQUIRE(piece == ram.at(at));
                        at += bytes;
                    }
                    REQUIRE(at == buffer.gpa + buffer.bytes);
                }
                REQUIRE(readable_seen == chain.readable.size());
                REQUIRE(writable_seen == chain.writable.size());
                held.push_back(std::move(chain));
            } else if (!held.empty()) {
                auto const which = held.begin() + static_cast<std::ptrdiff_t>(random() % held.size());
                queue.push(*which, static_cast<std::uint32_t>(random()));
                auto const used = driver.take_used();
                REQUIRE(used);
                REQUIRE(used->head == which->head);
                held.erase(which);
            }
        }
    }
}

TEST_CASE("a driver on another CPU loses nothing and waits for nothing", "[virtqueue]") {
    // Both sides sleep unless the other must wake them, as with real doorbells and interrupts: a lost wake-up
    // hangs.
    constexpr unsigned total = 50000;
    Rig rig;
    Bell doorbells;
    Bell interrupts;
    rig.driver.set_used_event(0);
    CHECK_FALSE(rig.queue.enable_notifications());
    std::thread driver{[&] {
        unsigned offered = 0;
        unsigned used = 0;
        unsigned seen = 0;
        while (used < total) {
            std::uint16_t const before = rig.driver.next_avail();
            while (offered < total && rig.driver.can_offer(1)) {
                rig.driver.offer({{data, 4, true}});
                ++offered;
            }
            rig.driver.publish();
            std::atomic_thread_fence(std::memory_order_seq_cst);
            auto const past =
                static_cast<std::uint16_t>(rig.driver.next_avail() - rig.driver.avail_event() - 1);
            if (past < static_cast<std::uint16_t>(rig.driver.next_avail() - before)) {
                doorbells.ring();
            }
            unsigned const had = used;
            while (rig.driver.take_used()) {
                ++used;
            }
            rig.driver.set_used_event(rig.driver.next_used());
            std::atomic_thread_fence(std::memory_order_seq_cst);
            while (rig.driver.take_used()) {
                ++used;
            }
            if (used == had && used < total) {
                seen = interrupts.wait(seen);
            }
        }
    }};
    unsigned handled = 0;
    unsigned seen = 0;
    bool broken = false;
    while (handled < total && !broken) {
        do {
            rig.queue.disable_notifications();
            for (;;) {
                auto chain = rig.queue.pop();
                broken = broken || !chain;
                if (!chain || !chain->has_value()) {
                    break;
                }
                rig.queue.push(**chain, 4);
                ++handled;
            }
            if (rig.queue.should_interrupt()) {
                interrupts.ring();
            }
        } while (!broken && rig.queue.enable_notifications());
        if (handled < total) {
            seen = doorbells.wait(seen);
        }
    }
    interrupts.ring();
    driver.join();
    CHECK_FALSE(broken);
    CHECK(handled == total);
}

TEST_CASE("a guest that writes its rings while they are read harms itself alone", "[virtqueue]") {
    TestRam ram{{{base, 0x2000}}};
    TestDriver driver{ram, base, 16};
    auto const word = [&ram](std::uint64_t gpa) {
        return std::atomic_ref<std::uint16_t>{*reinterpret_cast<std::uint16_t*>(ram.at(gpa))};
    };
    for (std::uint16_t i = 0; i < 16; ++i) {
        driver.write_raw(i, base + 0x1000, 64, desc_next | desc_write, static_cast<std::uint16_t>(i + 1));
        driver.offer_head(i);
    }
    driver.write_raw(15, base + 0x1000, 64, desc_write, 0);
    driver.publish();
    std::atomic<bool> stop{false};
    std::thread scribbler{[&] {
        std::mt19937 random{4};
        while (!stop.load(std::memory_order_relaxed)) {
            // One field of one descriptor at a time, mostly plausible, so that some chains hold.
            std::uint64_t const at = base + 16 * (random() % 16);
            switch (random() % 8) {
            case 0:
                word(at + 4).store(static_cast<std::uint16_t>(random() % 2)); // address, bits 32 to 47
                break;
            case 1:
                word(at + 10).store(static_cast<std::uint16_t>(random() % 2)); // length, upper half
                break;
            case 2:
                word(at + 12).store(static_cast<std::uint16_t>(random() % 8)); // flags
                break;
            default:
                word(at + 14).store(static_cast<std::uint16_t>(random() % 18)); // next
                word(at + 12).store(desc_write);
                word(at + 10).store(0);
                word(at + 4).store(base >> 32);
                break;
            }
        }
    }};
    std::byte const* const begin = ram.at(base);
    auto const inside = [begin](auto const piece) {
        return piece.data() >= begin && piece.data() + piece.size() <= begin + 0x2000;
    };
    unsigned whole = 0;
    unsigned refused = 0;
    bool outside = false;
    for (int i = 0; i < 3'000'000 && (i < 20000 || whole == 0 || refused == 0); ++i) {
        auto queue = Virtqueue::create(ram.ram(), driver.layout(), all_features);
        auto popped = queue->pop();
        if (!popped) {
            ++refused;
            continue;
        }
        ++whole;
        outside = outside || !std::all_of((*popped)->readable.begin(), (*popped)->readable.end(), inside) ||
                  !std::all_of((*popped)->writable.begin(), (*popped)->writable.end(), inside);
    }
    stop = true;
    scribbler.join();
    CHECK_FALSE(outside);
    CHECK(whole > 0);
    CHECK(refused > 0);
}
