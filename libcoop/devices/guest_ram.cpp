// SPDX-License-Identifier: GPL-2.0-only
// The guest's RAM as mapped in this process; see guest_ram.hpp.
#include "devices/guest_ram.hpp"

#include "base/address.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace coop {
namespace {

bool aligned(RamExtent const& extent) {
    return ((extent.gpa | extent.size | reinterpret_cast<std::uintptr_t>(extent.base)) & (page_bytes - 1)) ==
           0;
}

} // namespace

GuestRam::GuestRam(std::vector<RamExtent> extents) : extents_{std::move(extents)} {
    for (auto const& extent : extents_) {
        if (extent.base == nullptr || extent.size == 0 || !aligned(extent) ||
            extent.gpa > UINT64_MAX - extent.size) {
            throw std::invalid_argument{
                "guest RAM extent is empty, unmapped, unaligned or past the end of memory"};
        }
        if (merged_.empty()) {
            merged_.push_back(extent);
            continue;
        }
        RamExtent& last = merged_.back();
        if (extent.gpa < last.gpa + last.size) {
            throw std::invalid_argument{"guest RAM extents are not sorted or overlap"};
        }
        if (extent.gpa == last.gpa + last.size && extent.base == last.base + last.size) {
            last.size += extent.size;
        } else {
            merged_.push_back(extent);
        }
    }
}

RamExtent const* GuestRam::find(std::uint64_t gpa) const {
    auto after =
        std::upper_bound(merged_.begin(), merged_.end(), gpa,
                         [](std::uint64_t value, RamExtent const& extent) { return value < extent.gpa; });
    if (after == merged_.begin()) {
        return nullptr;
    }
    RamExtent const& extent = *std::prev(after);
    return gpa - extent.gpa < extent.size ? &extent : nullptr;
}

std::byte* GuestRam::translate(std::uint64_t gpa, std::uint64_t bytes) const {
    RamExtent const* extent = find(gpa);
    if (extent == nullptr || bytes > extent->size - (gpa - extent->gpa)) {
        return nullptr;
    }
    return extent->base + (gpa - extent->gpa);
}

bool GuestRam::gather(std::uint64_t gpa, std::uint64_t bytes,
                      std::vector<std::span<std::byte>>& pieces) const {
    auto const before = pieces.size();
    while (bytes > 0) {
        RamExtent const* extent = find(gpa);
        if (extent == nullptr) {
            pieces.resize(before);
            return false;
        }
        std::uint64_t const offset = gpa - extent->gpa;
        std::uint64_t const here = std::min(bytes, extent->size - offset);
        pieces.emplace_back(extent->base + offset, here);
        gpa += here; // no extent ends beyond 2^64, so this stays within
        bytes -= here;
    }
    return true;
}

} // namespace coop
