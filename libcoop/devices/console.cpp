// SPDX-License-Identifier: GPL-2.0-only
// virtio console with one port; see console.hpp. Section numbers are of virtio 1.2.
#include "devices/console.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace coop {
namespace {

constexpr std::uint32_t device_type = 3;
constexpr std::uint64_t feature_size = 1ull << 0; // VIRTIO_CONSOLE_F_SIZE
constexpr unsigned receive_queue = 0;             // section 5.3.2
constexpr unsigned transmit_queue = 1;
constexpr std::uint16_t queue_size = 128;
constexpr std::size_t copy_bytes = 16ull * 1024;

// Section 5.3.4.
struct Config {
    std::uint16_t columns;
    std::uint16_t rows;
    std::uint32_t max_ports;
    std::uint32_t emergency_write;
};
static_assert(sizeof(Config) == 12);

} // namespace

Console::Console(std::function<void(std::span<std::byte const>)> output, std::function<void()> more)
    : output_{std::move(output)}, more_{std::move(more)}, copy_(copy_bytes) {}

std::uint32_t Console::id() const {
    return device_type;
}

std::uint64_t Console::features() const {
    return virtio_common_features | feature_size;
}

std::vector<std::uint16_t> Console::queue_sizes() const {
    return {queue_size, queue_size};
}

std::vector<std::byte> Console::config() const {
    std::lock_guard const lock{mutex_};
    return config_locked();
}

std::vector<std::byte> Console::config_locked() const {
    Config const config{columns_, rows_, 1, 0};
    std::vector<std::byte> bytes(sizeof(config));
    std::memcpy(bytes.data(), &config, sizeof(config));
    return bytes;
}

void Console::activate(std::uint64_t, std::vector<Virtqueue> queues, InterruptLine line) {
    transmit_ = std::move(queues[transmit_queue]);
    {
        std::lock_guard const lock{mutex_};
        receive_ = std::move(queues[receive_queue]);
        line_ = std::move(line);
        line_.config(config_locked()); // it may have changed since the bus published it
        fill_locked();
    }
    drain();
}

void Console::notify(unsigned queue) {
    if (queue == transmit_queue) {
        drain();
    } else {
        std::lock_guard const lock{mutex_};
        fill_locked();
    }
}

void Console::reset() {
    transmit_ = {};
    std::lock_guard const lock{mutex_};
    receive_ = {};
    line_ = {};
}

std::size_t Console::input(std::span<std::byte const> bytes) {
    std::lock_guard const lock{mutex_};
    auto const taken = bytes.first(std::min(bytes.size(), input_limit - waiting_.size()));
    waiting_.insert(waiting_.end(), taken.begin(), taken.end());
    fill_locked();
    return taken.size();
}

void Console::resize(std::uint16_t columns, std::uint16_t rows) {
    std::lock_guard const lock{mutex_};
    columns_ = columns;
    rows_ = rows;
    line_.config(config_locked());
}

// Moves waiting input into the guest's buffers.
void Console::fill_locked() {
    while (!waiting_.empty()) {
        receive_.disable_notifications();
        auto popped = receive_.pop();
        if (!popped) {
            line_.fault("console input: " + popped.error().message);
            receive_ = {};
            return;
        }
        if (!popped->has_value()) {
            if (receive_.enable_notifications()) {
                continue;
            }
            break; // the driver rings once it has more
        }
        Chain const& chain = **popped;
        std::uint32_t written = 0;
        for (auto const buffer : chain.writable) {
            auto const count = std::min(buffer.size(), waiting_.size());
            auto const end = waiting_.begin() + static_cast<std::ptrdiff_t>(count);
            std::copy(waiting_.begin(), end, buffer.begin());
            waiting_.erase(waiting_.begin(), end);
            written += static_cast<std::uint32_t>(count);
        }
        if (written == 0) { // or a driver could keep us here for ever
            line_.fault("console input: buffer without room; a fault of the driver");
            receive_ = {};
            return;
        }
        receive_.push(chain, written);
    }
    if (receive_.should_interrupt()) {
        line_.queue(receive_queue);
    }
}

// Shows output_ what the guest offers, up to a queue's worth.
void Console::drain() {
    auto const more = transmit_.drain([this](Chain const& chain) {
        for (auto buffer : chain.readable) {
            while (!buffer.empty()) {
                auto const piece = buffer.first(std::min(buffer.size(), copy_.size()));
                std::copy(piece.begin(), piece.end(), copy_.begin());
                output_(std::span{copy_}.first(piece.size()));
                buffer = buffer.subspan(piece.size());
            }
        }
    });
    {
        std::lock_guard const lock{mutex_};
        if (!more) {
            line_.fault("console output: " + more.error().message);
            transmit_ = {};
            return;
        }
        if (transmit_.should_interrupt()) {
            line_.queue(transmit_queue);
        }
    }
    if (*more) { // notifications stay off: we come back unasked
        more_();
    }
}

} // namespace coop
