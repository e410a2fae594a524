// SPDX-License-Identifier: GPL-2.0-only
// How an active device model reaches its driver; see interrupt_line.hpp.
#include "devices/interrupt_line.hpp"

#include "devices/device_port.hpp"

#include <utility>

namespace coop {

InterruptLine::InterruptLine(std::shared_ptr<DevicePort> port) : port_{std::move(port)} {}

void InterruptLine::queue(unsigned index) const {
    if (port_) {
        port_->interrupt_queue(index);
    }
}

void InterruptLine::config(std::span<std::byte const> bytes) const {
    if (port_) {
        port_->publish_config(bytes);
    }
}

void InterruptLine::fault(std::string const& reason) const {
    if (port_) {
        port_->fault(reason);
    }
}

} // namespace coop
