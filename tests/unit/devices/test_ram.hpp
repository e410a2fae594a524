// SPDX-License-Identifier: GPL-2.0-only
// Guest RAM for tests: page-aligned memory at chosen guest-physical addresses, with a page of nobody's
// between extents.
#pragma once

#include "devices/guest_ram.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace coop::test {

class TestRam {
public:
    struct Place {
        std::uint64_t gpa;
        std::uint64_t size;
    };

    // Each extent has its own allocation, so that a step beyond its end is seen by the address sanitizer.
    explicit TestRam(std::vector<Place> const& places) : ram_{make(places)} {}
    TestRam() : TestRam(std::vector<Place>{{default_gpa, default_size}}) {}

    static constexpr std::uint64_t default_gpa = 0x1'4000'0000; // above 4 GiB
    static constexpr std::uint64_t default_size = 1 << 20;

    GuestRam const& ram() const { return ram_; }
    std::byte* at(std::uint64_t gpa) const { return ram_.translate(gpa, 1); }

    template <typename T>
    void put(std::uint64_t gpa, T value) const {
        std::memcpy(ram_.translate(gpa, sizeof(T)), &value, sizeof(T));
    }
    template <typename T>
    T get(std::uint64_t gpa) const {
        T value;
        std::memcpy(&value, ram_.translate(gpa, sizeof(T)), sizeof(T));
        return value;
    }

private:
    static constexpr std::align_val_t alignment{4096};

    struct Free {
        void operator()(std::byte* p) const { ::operator delete(p, alignment); }
    };

    GuestRam make(std::vector<Place> const& places) {
        std::vector<RamExtent> extents;
        for (auto const& place : places) {
            auto* memory = static_cast<std::byte*>(::operator new(place.size, alignment));
            std::memset(memory, 0, place.size);
            memory_.emplace_back(memory);
            extents.push_back({place.gpa, place.size, memory});
        }
        return GuestRam{std::move(extents)};
    }

    std::vector<std::unique_ptr<std::byte, Free>> memory_;
    GuestRam ram_;
};

} // namespace coop::test
