// SPDX-License-Identifier: GPL-2.0-only
// One device's page in the shared area, from the device's side; what DeviceBus and InterruptLine share. The
// guest may write the whole page at any time, so nothing the device relies on is read back from it.
#pragma once

#include "coop/guest/abi.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <string>

namespace coop {

// Thread-safe.
class DevicePort {
public:
    DevicePort(coop_device_page* page, std::function<void()> raise,
               std::function<void(std::string const&)> fault);

    // What the driver wrote.
    std::uint32_t command() const; // acquires what was written before it
    std::uint32_t status() const;
    std::uint64_t driver_features() const;
    coop_queue queue(unsigned index) const;
    // Sets a queue back to what a driver finds at first.
    void clear_queue(unsigned index, std::uint16_t size_max);

    // The device's answer to a command; DEVICE_NEEDS_RESET is added while the device is broken.
    void answer(std::uint32_t command, std::uint32_t status);
    std::uint32_t answered() const;
    // Lets interrupts through, or not. On return of mute() no raise is under way and the interrupt bits are
    // clear.
    void unmute();
    void mute();

    void interrupt_queue(unsigned index);
    void publish_config(std::span<std::byte const> bytes);
    // The driver broke the rules of the handshake, or (fault, nothing while muted) of a queue.
    void break_device(std::string const& reason);
    void fault(std::string const& reason);
    bool broken() const;

private:
    void break_locked(std::string const& reason);
    void interrupt_locked(unsigned bit);

    coop_device_page* const page_;
    std::function<void()> const raise_;
    std::function<void(std::string const&)> const fault_;
    mutable std::mutex mutex_;
    std::uint32_t answered_command_ = 0;
    std::uint32_t answered_status_ = 0;
    bool muted_ = true;
    bool broken_ = false;
};

} // namespace coop
