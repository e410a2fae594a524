// SPDX-License-Identifier: GPL-2.0-only
// FakeRam: the host's free RAM as a list of made-up physical ranges. Taken runs are real memory, mapped on
// first touch and unmapped when freed, so that a stale pointer faults.
#pragma once

#include "base/address.hpp"

#include <cstdint>
#include <map>
#include <vector>

namespace coop::test {

class FakeRam {
public:
    FakeRam() = default;
    FakeRam(const FakeRam&) = delete;
    FakeRam& operator=(const FakeRam&) = delete;
    ~FakeRam();

    // Replaces what is free. Runs are cut from the top of the last range that has room.
    void set_free(std::vector<PhysicalRange> ranges) { free_ = std::move(ranges); }
    // No run may be longer.
    void set_largest_run(std::uint64_t bytes) { largest_run_ = bytes; }
    std::uint64_t available() const;

    bool take(std::uint64_t bytes, std::uint64_t& physical);
    // False if there is no such run.
    bool give_back(std::uint64_t physical, std::uint64_t bytes);
    // nullptr outside every run.
    void* va(std::uint64_t physical) const;
    std::size_t runs() const { return runs_.size(); }

private:
    struct Run {
        std::uint64_t bytes;
        void* memory;
    };
    std::vector<PhysicalRange> free_{{Physical{0x1'0000'0000}, std::uint64_t{16} << 30}};
    std::uint64_t largest_run_ = UINT64_MAX;
    std::map<std::uint64_t, Run> runs_;
};

} // namespace coop::test
