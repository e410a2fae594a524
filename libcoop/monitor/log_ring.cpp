// SPDX-License-Identifier: GPL-2.0-only
#include "monitor/log_ring.hpp"

#include "coop/host.h"

#include <algorithm>

namespace coop {

class LogRing::Lock {
public:
    explicit Lock(std::atomic_flag& flag) : flag_{flag} {
        while (flag_.test_and_set(std::memory_order_acquire))
            __builtin_ia32_pause();
    }
    Lock(const Lock&) = delete;
    ~Lock() { flag_.clear(std::memory_order_release); }

private:
    std::atomic_flag& flag_;
};

void LogRing::write(std::span<const std::uint8_t> text) {
    Lock lock{locked_};
    for (std::uint8_t byte : text)
        ring_[written_++ % bytes] = byte;
}

std::size_t LogRing::read(std::uint64_t& position, std::span<std::uint8_t> to) {
    // The critical section is bounded, whatever the caller asks for.
    constexpr std::size_t chunk = 4096;
    std::size_t copied = 0;
    while (copied < to.size()) {
        coop_host_critical_begin();
        std::size_t count = 0;
        {
            Lock lock{locked_};
            const std::uint64_t oldest = written_ > bytes ? written_ - bytes : 0;
            if (copied == 0)
                position = std::clamp(position, oldest, written_);
            // What was overwritten since the last chunk is a gap: for the next call.
            if (position >= oldest)
                count = std::min<std::uint64_t>({chunk, to.size() - copied, written_ - position});
            for (std::size_t i = 0; i < count; ++i)
                to[copied + i] = ring_[(position + i) % bytes];
        }
        coop_host_critical_end();
        if (count == 0)
            break;
        position += count;
        copied += count;
    }
    return copied;
}

} // namespace coop
