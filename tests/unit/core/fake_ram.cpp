// SPDX-License-Identifier: GPL-2.0-only
#include "core/fake_ram.hpp"

#include <sys/mman.h>

#include <algorithm>

namespace coop::test {

FakeRam::~FakeRam() {
    for (const auto& [physical, run] : runs_)
        munmap(run.memory, run.bytes);
}

std::uint64_t FakeRam::available() const {
    std::uint64_t bytes = 0;
    for (const PhysicalRange& range : free_)
        bytes += range.bytes();
    return bytes;
}

bool FakeRam::take(std::uint64_t bytes, std::uint64_t& physical) {
    if (bytes > largest_run_)
        return false;
    const auto range = std::find_if(free_.rbegin(), free_.rend(),
                                    [&](const PhysicalRange& r) { return r.bytes() >= bytes; });
    if (range == free_.rend())
        return false;
    void* memory =
        mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return false;
    physical = range->start().value() + range->bytes() - bytes;
    *range = PhysicalRange{range->start(), range->bytes() - bytes};
    runs_[physical] = Run{bytes, memory};
    return true;
}

bool FakeRam::give_back(std::uint64_t physical, std::uint64_t bytes) {
    const auto run = runs_.find(physical);
    if (run == runs_.end() || run->second.bytes != bytes)
        return false;
    munmap(run->second.memory, bytes);
    runs_.erase(run);
    free_.emplace_back(Physical{physical}, bytes);
    return true;
}

void* FakeRam::va(std::uint64_t physical) const {
    const auto next = runs_.upper_bound(physical);
    if (next == runs_.begin())
        return nullptr;
    const auto& [start, run] = *std::prev(next);
    return physical - start < run.bytes ? static_cast<char*>(run.memory) + (physical - start) : nullptr;
}

} // namespace coop::test
