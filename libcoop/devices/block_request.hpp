// SPDX-License-Identifier: GPL-2.0-only
// One request of a virtio block device (virtio 1.2, section 5.2.6): decode, check, carry out.
#pragma once

#include "devices/block_file.hpp"
#include "devices/virtqueue.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace coop {

namespace virtio_blk {
// Feature bits (section 5.2.3).
constexpr std::uint64_t f_seg_max = 1ull << 2;
constexpr std::uint64_t f_ro = 1ull << 5;
constexpr std::uint64_t f_blk_size = 1ull << 6;
constexpr std::uint64_t f_flush = 1ull << 9;
constexpr std::uint64_t f_discard = 1ull << 13;
constexpr std::uint64_t f_write_zeroes = 1ull << 14;

// Request types and status values (section 5.2.6).
constexpr std::uint32_t t_in = 0;
constexpr std::uint32_t t_out = 1;
constexpr std::uint32_t t_flush = 4;
constexpr std::uint32_t t_get_id = 8;
constexpr std::uint32_t t_discard = 11;
constexpr std::uint32_t t_write_zeroes = 13;
constexpr std::uint8_t s_ok = 0;
constexpr std::uint8_t s_ioerr = 1;
constexpr std::uint8_t s_unsupp = 2;

constexpr std::uint64_t sector_bytes = 512;
constexpr std::size_t id_bytes = 20;
// Limits the device announces for discard and write zeroes.
constexpr std::uint32_t max_ranges = 32;
constexpr std::uint32_t max_range_sectors = 1u << 21; // 1 GiB
} // namespace virtio_blk

class BlockRequest {
public:
    // What requests are carried out on.
    struct Target {
        BlockFile& file;
        std::string const& serial;
        std::uint64_t features; // negotiated
        bool read_only;
        std::atomic<bool> const& cancelled; // nobody waits for the request any more: it may be left half done
    };

    // none: there is no byte for the status, so the driver broke the queue.
    static std::optional<BlockRequest> decode(Chain chain);

    // Reads from and writes to guest memory and the file; may block. Status included. Any thread.
    void execute(Target const& target);

    Chain const& chain() const { return chain_; }
    // For the used ring; after execute().
    std::uint32_t written() const { return static_cast<std::uint32_t>(chain_.writable_bytes); }

private:
    struct Range {
        std::uint64_t sector;
        std::uint32_t sectors;
        std::uint32_t flags;
    };

    std::uint8_t run(Target const& target);
    std::uint8_t transfer(Target const& target, bool to_file);
    std::uint8_t get_id(Target const& target);
    std::uint8_t ranges(Target const& target);
    bool in_bounds(Target const& target, std::uint64_t sector, std::uint64_t bytes) const;

    Chain chain_;                                 // as popped
    std::vector<std::span<std::byte const>> out_; // without the header
    std::vector<std::span<std::byte>> in_;        // without the status
    std::uint64_t out_bytes_ = 0;
    std::uint64_t in_bytes_ = 0;
    std::byte* status_ = nullptr;
    bool complete_header_ = false;
    std::uint32_t type_ = 0;
    std::uint64_t sector_ = 0;
};

} // namespace coop
