// SPDX-License-Identifier: GPL-2.0-only
// The threads of a virtio block device: they take chains from its queue, carry them out at the same time, and
// hand them back in batches.
#pragma once

#include "devices/block_request.hpp"
#include "devices/interrupt_line.hpp"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace coop {

class BlockPool {
public:
    // file and serial must outlive the pool.
    BlockPool(BlockFile& file, std::string const& serial, bool read_only, unsigned workers);
    ~BlockPool();

    void activate(std::uint64_t features, Virtqueue queue, InterruptLine line);
    // Takes what the driver offers. Returns without waiting for it.
    void fetch();
    // Drops what no thread has begun, cuts the rest short and waits for it. Then guest memory is no longer
    // touched.
    void reset();
    // The same without waiting; done as in Device.
    void begin_reset(std::function<void()> done);

private:
    void work();
    void fetch_locked();
    void drop_locked();
    void idle_locked();
    void complete(std::unique_lock<std::mutex>& lock);

    BlockFile& file_;
    std::string const& serial_;
    bool const read_only_;

    std::atomic<bool> cancelled_ = false; // nobody waits for what runs any more

    std::mutex mutex_;                // guards what follows
    std::condition_variable offered_; // for the threads: waiting_ has grown, or ending_
    std::condition_variable idle_;    // for reset(): the last thread is done
    std::function<void()> on_idle_;   // for begin_reset()
    Virtqueue queue_;
    InterruptLine line_;
    std::uint64_t features_ = 0;
    std::deque<BlockRequest> waiting_;
    std::vector<BlockRequest> done_; // carried out, not yet handed back
    unsigned running_ = 0;           // in execute()
    bool completing_ = false;        // one thread hands back for all
    bool ending_ = false;
    std::vector<std::thread> workers_; // last: they use all of the above
};

} // namespace coop
