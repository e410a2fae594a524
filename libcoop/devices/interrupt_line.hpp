// SPDX-License-Identifier: GPL-2.0-only
// How an active device model reaches its driver: queue interrupts, config changes, and "reset me".
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace coop {

class DevicePort;

// Thread-safe and cheap to copy. Silent once the device has been reset or the bus is gone.
class InterruptLine {
public:
    InterruptLine() = default;
    explicit InterruptLine(std::shared_ptr<DevicePort> port);

    // Used buffers in that queue want attention (section 2.7.7).
    void queue(unsigned index) const;
    // Publishes the config space and raises a configuration change interrupt, if the bytes differ from what
    // is there.
    void config(std::span<std::byte const> bytes) const;
    // The driver broke the rules: DEVICE_NEEDS_RESET (section 2.1.2). The first reason stays.
    void fault(std::string const& reason) const;

private:
    std::shared_ptr<DevicePort> port_;
};

} // namespace coop
