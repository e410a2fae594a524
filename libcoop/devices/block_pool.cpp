// SPDX-License-Identifier: GPL-2.0-only
// The threads of a virtio block device; see block_pool.hpp.
#include "devices/block_pool.hpp"

#include <algorithm>
#include <utility>

namespace coop {

BlockPool::BlockPool(BlockFile& file, std::string const& serial, bool read_only, unsigned workers)
    : file_{file}, serial_{serial}, read_only_{read_only} {
    for (unsigned i = 0; i < std::max(workers, 1u); ++i) {
        workers_.emplace_back([this] { work(); });
    }
}

BlockPool::~BlockPool() {
    reset();
    {
        std::lock_guard const lock{mutex_};
        ending_ = true;
        offered_.notify_all();
    }
    for (auto& worker : workers_) {
        worker.join();
    }
}

void BlockPool::activate(std::uint64_t features, Virtqueue queue, InterruptLine line) {
    std::lock_guard const lock{mutex_};
    cancelled_ = false;
    features_ = features;
    queue_ = std::move(queue);
    line_ = std::move(line);
}

void BlockPool::fetch() {
    std::lock_guard const lock{mutex_};
    fetch_locked();
}

void BlockPool::fetch_locked() {
    do {
        queue_.disable_notifications();
        for (;;) {
            auto popped = queue_.pop();
            if (popped && !popped->has_value()) {
                break;
            }
            auto request = popped ? BlockRequest::decode(std::move(**popped)) : std::nullopt;
            if (!request) {
                line_.fault("block device: " +
                            (popped ? "request without room for its status; a fault of the driver"
                                    : popped.error().message));
                queue_ = {};
                waiting_.clear();
                return;
            }
            waiting_.push_back(std::move(*request));
            offered_.notify_one();
        }
    } while (queue_.enable_notifications());
}

void BlockPool::reset() {
    std::unique_lock lock{mutex_};
    drop_locked();
    idle_.wait(lock, [this] { return running_ == 0 && !completing_; });
}

void BlockPool::begin_reset(std::function<void()> done) {
    std::lock_guard const lock{mutex_};
    drop_locked();
    on_idle_ = std::move(done);
    idle_locked();
}

void BlockPool::drop_locked() {
    cancelled_ = true;
    queue_ = {};
    line_ = {};
    waiting_.clear();
}

// Tells who waits for it, if no thread has anything to do with the guest now.
void BlockPool::idle_locked() {
    if (running_ != 0 || completing_) {
        return;
    }
    idle_.notify_all();
    if (auto const done = std::exchange(on_idle_, nullptr)) {
        done();
    }
}

void BlockPool::work() {
    std::unique_lock lock{mutex_};
    for (;;) {
        offered_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
        if (ending_) {
            return;
        }
        BlockRequest request = std::move(waiting_.front());
        waiting_.pop_front();
        ++running_;
        BlockRequest::Target const target{file_, serial_, features_, read_only_, cancelled_};
        lock.unlock();
        request.execute(target);
        lock.lock();
        done_.push_back(std::move(request));
        --running_;
        complete(lock);
    }
}

// Raising an interrupt takes a while. Only one thread does it; what others finish meanwhile it hands back at
// one go.
void BlockPool::complete(std::unique_lock<std::mutex>& lock) {
    if (completing_) {
        return;
    }
    completing_ = true;
    while (!done_.empty()) {
        for (auto const& request : done_) {
            if (queue_.enabled()) { // else the device was reset or broke meanwhile
                queue_.push(request.chain(), request.written());
            }
        }
        done_.clear();
        if (queue_.should_interrupt()) {
            InterruptLine const line = line_;
            lock.unlock();
            line.queue(0);
            lock.lock();
        }
    }
    completing_ = false;
    idle_locked();
}

} // namespace coop
