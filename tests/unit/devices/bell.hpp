// SPDX-License-Identifier: GPL-2.0-only
// What one thread rings and another sleeps until. Not std::atomic::wait: on NT that loses notifications.
#pragma once

#include <condition_variable>
#include <mutex>

namespace coop::test {

class Bell {
public:
    void ring() {
        std::lock_guard const lock{mutex_};
        ++rung_;
        changed_.notify_all();
    }
    // Until it was rung another number of times than `known`; returns that.
    unsigned wait(unsigned known) {
        std::unique_lock lock{mutex_};
        changed_.wait(lock, [&] { return rung_ != known; });
        return rung_;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    unsigned rung_ = 0;
};

} // namespace coop::test
