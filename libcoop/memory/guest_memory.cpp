// SPDX-License-Identifier: GPL-2.0-only
#include "memory/guest_memory.hpp"

#include <algorithm>

namespace coop {

namespace {

// What plain RAM is taken in: the largest block of Linux's page allocator, then one large page.
constexpr std::uint64_t plain_bytes[] = {2 * large_page_bytes, large_page_bytes};

} // namespace

GuestMemory::~GuestMemory() {
    give_back();
}

void GuestMemory::give_back() {
    for (const coop_extent& extent : extents()) {
        coop_host_ram_free(extent.gpa, extent.size);
        ledger_.give_back(extent.size / page_bytes);
    }
    coop_host_free(extents_);
    extents_ = nullptr;
    count_ = 0;
    bytes_ = 0;
}

Status GuestMemory::reserve(std::size_t count) {
    extents_ = static_cast<coop_extent*>(coop_host_alloc(count * sizeof(coop_extent)));
    if (!extents_)
        return Error{COOP_E_NO_MEMORY};
    return ok;
}

Status GuestMemory::take_run(std::uint64_t bytes, coop_u32 run) {
    // Gigabytes take seconds. A host that has to look for a run stops looking then, too.
    if (coop_host_yield())
        return Error{COOP_E_INTERRUPTED};
    std::uint64_t physical = 0;
    if (coop_host_ram_alloc(bytes, &physical) != 0)
        return Error{coop_host_yield() ? COOP_E_INTERRUPTED : COOP_E_NO_MEMORY};
    ledger_.take(bytes / page_bytes);
    extents_[count_++] =
        coop_extent{.gpa = physical, .size = bytes, .map_offset = 0, .run = run, .reserved = 0};
    bytes_ += bytes;
    return ok;
}

Status GuestMemory::take_runs(std::span<const coop_u64> runs) {
    for (std::size_t i = 0; i < runs.size(); ++i) {
        if (runs[i] == 0)
            continue;
        if (Status status = take_run(runs[i], static_cast<coop_u32>(i)); !status)
            return status.error().code() == COOP_E_INTERRUPTED ? status : Error{COOP_E_TOO_BIG};
    }
    return ok;
}

Status GuestMemory::take_plain(std::uint64_t rest) {
    Status status = ok;
    for (std::uint64_t block : plain_bytes) {
        while (rest >= block && (status = take_run(block, COOP_EXTENT_PLAIN)))
            rest -= block;
        if (!status && status.error().code() == COOP_E_INTERRUPTED)
            return status;
    }
    return rest == 0 ? ok : status;
}

Status GuestMemory::take(std::uint64_t ram_bytes, std::span<const coop_u64> runs) {
    if (ram_bytes == 0 || !is_aligned(ram_bytes, large_page_bytes))
        return Error{COOP_E_INVALID};
    std::uint64_t rest = ram_bytes;
    for (std::uint64_t run : runs) {
        if (!is_aligned(run, large_page_bytes) || run > rest)
            return Error{COOP_E_INVALID};
        rest -= run;
    }
    if (ram_bytes > coop_host_ram_available())
        return Error{COOP_E_NO_MEMORY};
    if (Status reserved = reserve(ram_bytes / large_page_bytes); !reserved)
        return reserved;

    Status status = take_runs(runs);
    if (status)
        status = take_plain(rest);
    if (!status) {
        give_back();
        return status;
    }

    const auto lower = [](const coop_extent& a, const coop_extent& b) { return a.gpa < b.gpa; };
    std::make_heap(extents_, extents_ + count_, lower); // std::sort would recurse
    std::sort_heap(extents_, extents_ + count_, lower);
    std::uint64_t offset = 0;
    for (coop_extent& extent : std::span{extents_, count_}) {
        extent.map_offset = offset;
        offset += extent.size;
    }
    return ok;
}

const coop_extent* GuestMemory::extent_of(Physical address) const {
    const coop_extent* begin = extents_;
    const coop_extent* next =
        std::upper_bound(begin, begin + count_, address.value(),
                         [](std::uint64_t value, const coop_extent& e) { return value < e.gpa; });
    return next == begin ? nullptr : next - 1;
}

bool GuestMemory::owns(Physical start, std::uint64_t bytes) const {
    const coop_extent* extent = extent_of(start);
    return extent && PhysicalRange{Physical{extent->gpa}, extent->size}.contains(start, bytes);
}

void* GuestMemory::checked(Physical start, std::uint64_t bytes) const {
    return owns(start, bytes) ? coop_host_ram_va(start.value()) : nullptr;
}

Result<Physical> GuestMemory::frame_at(std::uint64_t map_offset) const {
    if (map_offset >= bytes_)
        return Error{COOP_E_INVALID};
    const coop_extent* next =
        std::upper_bound(extents_, extents_ + count_, map_offset,
                         [](std::uint64_t value, const coop_extent& e) { return value < e.map_offset; });
    const coop_extent& extent = next[-1];
    return Physical{align_down(extent.gpa + (map_offset - extent.map_offset), page_bytes)};
}

} // namespace coop
