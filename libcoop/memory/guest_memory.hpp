// SPDX-License-Identifier: GPL-2.0-only
// GuestMemory: the guest's RAM. It takes runs of host frames, keeps them sorted by address, answers which
// addresses are the guest's (the only range check for guest-supplied addresses), and gives every run back
// when it goes.
#pragma once

#include "base/address.hpp"
#include "base/result.hpp"
#include "coop/ioctl.h"
#include "memory/frame_ledger.hpp"

#include <span>

namespace coop {

class GuestMemory {
public:
    explicit GuestMemory(FrameLedger& ledger) : ledger_{ledger} {}
    GuestMemory(const GuestMemory&) = delete;
    ~GuestMemory();

    // Takes ram_bytes in all, the contiguous runs among them first. Sizes are multiples of 2 MiB.
    // Context: may sleep. Fails: NO_MEMORY; TOO_BIG if a run cannot be had in one piece; INTERRUPTED if the
    // thread should return to user space. Nothing is kept on failure.
    Status take(std::uint64_t ram_bytes, std::span<const coop_u64> runs);

    // Every run goes home; the guest may not run any more. Context: may sleep.
    void give_back();

    // Sorted by address; map offsets are dense.
    std::span<const coop_extent> extents() const { return {extents_, count_}; }
    std::uint64_t bytes() const { return bytes_; }

    // True if the whole range lies inside one extent. Context: any.
    bool owns(Physical start, std::uint64_t bytes) const;
    // Kernel address of a range inside one extent; nullptr otherwise. Context: any.
    void* checked(Physical start, std::uint64_t bytes) const;
    // The frame at a map offset; INVALID outside. Context: any.
    Result<Physical> frame_at(std::uint64_t map_offset) const;

private:
    Status take_run(std::uint64_t bytes, coop_u32 run);
    Status take_runs(std::span<const coop_u64> runs);
    Status take_plain(std::uint64_t bytes);
    Status reserve(std::size_t count);
    const coop_extent* extent_of(Physical address) const;

    FrameLedger& ledger_;
    coop_extent* extents_ = nullptr;
    std::size_t count_ = 0;
    std::uint64_t bytes_ = 0;
};

} // namespace coop
