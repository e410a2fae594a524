// SPDX-License-Identifier: GPL-2.0-only
// One request of a virtio block device; see block_request.hpp. Section numbers are of virtio 1.2.
#include "devices/block_request.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <utility>

namespace coop {
namespace {

using namespace virtio_blk;

// Section 5.2.6.
struct Header {
    std::uint32_t type;
    std::uint32_t reserved;
    std::uint64_t sector;
};
static_assert(sizeof(Header) == 16);

constexpr std::uint32_t range_unmap = 1;
// Ranges are worked off in pieces of this size (and alignment, so that no hole has a seam), between which a
// request can be cancelled: a host's disk may take its time to write this much.
constexpr std::uint64_t piece_bytes = 16ull << 20;

// Copies and removes bytes from the front of spans. false: they hold fewer.
bool take_front(std::vector<std::span<std::byte const>>& spans, std::span<std::byte> copy) {
    std::size_t used = 0;
    for (auto& span : spans) {
        auto const here = std::min(span.size(), copy.size());
        std::copy_n(span.begin(), here, copy.begin());
        copy = copy.subspan(here);
        span = span.subspan(here);
        used += span.empty() ? 1 : 0;
        if (copy.empty()) {
            break;
        }
    }
    spans.erase(spans.begin(), spans.begin() + static_cast<std::ptrdiff_t>(used));
    return copy.empty();
}

} // namespace

std::optional<BlockRequest> BlockRequest::decode(Chain chain) {
    if (chain.writable.empty()) {
        return std::nullopt;
    }
    BlockRequest request;
    request.chain_ = std::move(chain);
    request.out_ = request.chain_.readable;
    request.in_ = request.chain_.writable;
    request.status_ = &request.in_.back().back();
    request.in_.back() = request.in_.back().first(request.in_.back().size() - 1);
    if (request.in_.back().empty()) {
        request.in_.pop_back();
    }
    request.in_bytes_ = request.chain_.writable_bytes - 1;
    Header header{};
    if (take_front(request.out_, std::as_writable_bytes(std::span{&header, 1}))) {
        request.complete_header_ = true;
        request.out_bytes_ = request.chain_.readable_bytes - sizeof(header);
        request.type_ = header.type;
        request.sector_ = header.sector;
    }
    return request;
}

void BlockRequest::execute(Target const& target) {
    std::uint8_t const status = complete_header_ ? run(target) : s_ioerr;
    if (status != s_ok) {
        // The used length covers the status, which comes last, so what precedes it must have been written
        // too.
        for (auto const buffer : in_) {
            std::fill(buffer.begin(), buffer.end(), std::byte{0});
        }
    }
    std::atomic_ref<std::byte>{*status_}.store(std::byte{status}, std::memory_order_relaxed);
}

std::uint8_t BlockRequest::run(Target const& target) {
    bool const changes = type_ == t_out || type_ == t_discard || type_ == t_write_zeroes;
    if (changes && target.read_only) {
        return s_ioerr; // section 5.2.6.2
    }
    switch (type_) {
    case t_in:
        return transfer(target, false);
    case t_out:
        return transfer(target, true);
    case t_flush:
        return target.file.flush() ? s_ioerr : s_ok;
    case t_get_id:
        return get_id(target);
    case t_discard:
        return (target.features & f_discard) != 0 ? ranges(target) : s_unsupp;
    case t_write_zeroes:
        return (target.features & f_write_zeroes) != 0 ? ranges(target) : s_unsupp;
    default:
        return s_unsupp;
    }
}

bool BlockRequest::in_bounds(Target const& target, std::uint64_t sector, std::uint64_t bytes) const {
    std::uint64_t const sectors = target.file.size() / sector_bytes;
    return sector <= sectors && bytes / sector_bytes <= sectors - sector;
}

std::uint8_t BlockRequest::transfer(Target const& target, bool to_file) {
    std::uint64_t const bytes = to_file ? out_bytes_ : in_bytes_;
    if (bytes % sector_bytes != 0 || !in_bounds(target, sector_, bytes)) {
        return s_ioerr;
    }
    std::uint64_t const offset = sector_ * sector_bytes;
    if (!to_file) {
        return target.file.read(offset, in_) ? s_ioerr : s_ok;
    }
    if (target.file.write(offset, out_)) {
        return s_ioerr;
    }
    // A driver that cannot flush takes a completed write for stable (section 5.2.6.2).
    bool const write_through = (target.features & f_flush) == 0;
    return write_through && target.file.flush() ? s_ioerr : s_ok;
}

std::uint8_t BlockRequest::get_id(Target const& target) {
    if (in_bytes_ < id_bytes) {
        return s_ioerr;
    }
    std::size_t done = 0; // NUL-padded, not terminated if all bytes are used
    for (auto const buffer : in_) {
        for (auto& octet : buffer) {
            octet = done < std::min(target.serial.size(), id_bytes)
                        ? static_cast<std::byte>(target.serial[done])
                        : std::byte{0};
            ++done;
        }
    }
    return s_ok;
}

std::uint8_t BlockRequest::ranges(Target const& target) {
    bool const discard = type_ == t_discard;
    if (out_bytes_ == 0 || out_bytes_ % sizeof(Range) != 0 || out_bytes_ / sizeof(Range) > max_ranges) {
        return s_ioerr;
    }
    std::array<Range, max_ranges> copies{};
    std::span const list = std::span{copies}.first(out_bytes_ / sizeof(Range));
    take_front(out_, std::as_writable_bytes(list));
    // All or nothing: check before the first takes effect.
    for (auto const& range : list) {
        if ((range.flags & ~range_unmap) != 0 || (discard && range.flags != 0)) {
            return s_unsupp; // section 5.2.6.2
        }
        if (range.sectors > max_range_sectors ||
            !in_bounds(target, range.sector, range.sectors * sector_bytes)) {
            return s_ioerr;
        }
    }
    for (auto const& range : list) {
        std::uint64_t offset = range.sector * sector_bytes;
        std::uint64_t const end = offset + range.sectors * sector_bytes;
        while (offset < end) {
            std::uint64_t const bytes = std::min(end - offset, piece_bytes - offset % piece_bytes);
            if (target.cancelled ||
                (discard ? target.file.discard(offset, bytes)
                         : target.file.write_zeroes(offset, bytes, (range.flags & range_unmap) != 0))) {
                return s_ioerr;
            }
            offset += bytes;
        }
    }
    bool const write_through = (target.features & f_flush) == 0;
    return write_through && target.file.flush() ? s_ioerr : s_ok;
}

} // namespace coop
