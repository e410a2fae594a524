// SPDX-License-Identifier: GPL-2.0-only
// virtio block device; see block.hpp. Section numbers are of virtio 1.2.
#include "devices/block.hpp"

#include "devices/block_pool.hpp"
#include "devices/block_request.hpp"

#include <cstddef>
#include <cstring>
#include <utility>

namespace coop {
namespace {

using namespace virtio_blk;

constexpr std::uint32_t device_type = 2;

// Section 5.2.4, to the last field that an offered feature makes valid.
struct Config {
    std::uint64_t capacity; // in sectors of 512 bytes
    std::uint32_t size_max;
    std::uint32_t seg_max;
    std::uint32_t geometry;
    std::uint32_t blk_size;
    std::uint64_t topology;
    std::uint32_t writeback_and_queues;
    std::uint32_t max_discard_sectors;
    std::uint32_t max_discard_seg;
    std::uint32_t discard_sector_alignment;
    std::uint32_t max_write_zeroes_sectors;
    std::uint32_t max_write_zeroes_seg;
    std::uint32_t write_zeroes_may_unmap; // one byte, three unused
    std::uint32_t padding;                // of the structure here, not of the config space
};
static_assert(offsetof(Config, blk_size) == 20);
static_assert(offsetof(Config, max_discard_sectors) == 36);
static_assert(offsetof(Config, write_zeroes_may_unmap) == 56);
constexpr std::size_t config_bytes = 60;

} // namespace

Block::Block(std::shared_ptr<BlockFile> file, BlockOptions options)
    : file_{std::move(file)}, options_{std::move(options)} {
    options_.read_only = options_.read_only || file_->read_only();
    pool_ = std::make_unique<BlockPool>(*file_, options_.serial, options_.read_only, options_.workers);
}

Block::~Block() = default;

std::uint32_t Block::id() const {
    return device_type;
}

std::uint64_t Block::features() const {
    std::uint64_t features = virtio_common_features | f_seg_max | f_blk_size | f_flush;
    if (options_.read_only) {
        return features | f_ro;
    }
    return features | f_write_zeroes | (file_->can_discard() ? f_discard : 0);
}

std::vector<std::uint16_t> Block::queue_sizes() const {
    return {queue_size};
}

std::vector<std::byte> Block::config() const {
    Config config{};
    config.capacity = file_->size() / sector_bytes;
    config.seg_max = queue_size - 2; // header and status take a descriptor each
    config.blk_size = sector_bytes;
    config.max_discard_sectors = max_range_sectors;
    config.max_discard_seg = max_ranges;
    config.discard_sector_alignment = 4096 / sector_bytes; // smaller pieces give nothing back
    config.max_write_zeroes_sectors = max_range_sectors;
    config.max_write_zeroes_seg = max_ranges;
    config.write_zeroes_may_unmap = file_->can_discard() ? 1 : 0;
    std::vector<std::byte> bytes(config_bytes);
    std::memcpy(bytes.data(), &config, config_bytes);
    return bytes;
}

void Block::activate(std::uint64_t driver_features, std::vector<Virtqueue> queues, InterruptLine line) {
    pool_->activate(driver_features, std::move(queues[0]), std::move(line));
    pool_->fetch();
}

void Block::notify(unsigned) {
    pool_->fetch();
}

void Block::reset() {
    pool_->reset();
}

void Block::begin_reset(std::function<void()> done) {
    pool_->begin_reset(std::move(done));
}

} // namespace coop
