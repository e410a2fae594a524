// SPDX-License-Identifier: GPL-2.0-only
// virtio block device (virtio 1.2, section 5.2): one queue, many requests in flight on a small pool of
// threads.
#pragma once

#include "devices/block_file.hpp"
#include "devices/device.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace coop {

class BlockPool;

struct BlockOptions {
    bool read_only = false;  // implied by a read-only file
    std::string serial = {}; // at most 20 bytes, cut otherwise
    unsigned workers = 4;    // threads, at least 1
};

class Block : public Device {
public:
    static constexpr std::uint16_t queue_size = 256;

    // Starts the worker threads; throws what they throw.
    Block(std::shared_ptr<BlockFile> file, BlockOptions options);
    ~Block() override;

    std::uint32_t id() const override;
    std::uint64_t features() const override;
    std::vector<std::uint16_t> queue_sizes() const override;
    std::vector<std::byte> config() const override;
    void activate(std::uint64_t driver_features, std::vector<Virtqueue> queues, InterruptLine line) override;
    void notify(unsigned queue) override;
    // Requests not yet begun are dropped; the others end soon, but for a host disk that hangs.
    void reset() override;
    void begin_reset(std::function<void()> done) override;

private:
    std::shared_ptr<BlockFile> file_;
    BlockOptions options_;
    std::unique_ptr<BlockPool> pool_;
};

} // namespace coop
