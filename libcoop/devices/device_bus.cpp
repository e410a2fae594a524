// SPDX-License-Identifier: GPL-2.0-only
// All devices of one guest; see device_bus.hpp. Section numbers are of virtio 1.2.
#include "devices/device_bus.hpp"

#include "base/address.hpp"
#include "devices/device_port.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>
#include <new>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

namespace coop {

struct DeviceBus::Slot {
    unsigned number;
    std::shared_ptr<Device> device;
    std::vector<std::uint16_t> queue_sizes;
    coop_device_page* page = nullptr;
    std::shared_ptr<DevicePort> port;
    // The handshake as acted on.
    std::uint32_t status = 0;
    std::uint64_t driver_features = 0;
    bool active = false;
    // A reset under way, and the answer that its command gets.
    bool resetting = false;
    std::uint32_t reset_command = 0;
    std::uint32_t reset_status = 0;
    std::atomic<bool> quiet = true; // no guest memory is touched; set from any thread
};

DeviceBus::DeviceBus(GuestRam const& ram, std::function<void(unsigned)> raise,
                     std::function<void(unsigned)> again)
    : ram_{ram}, raise_{std::move(raise)}, again_{std::move(again)} {}

DeviceBus::~DeviceBus() {
    reset_all();
}

void DeviceBus::on_fault(std::function<void(unsigned, std::string const&)> handler) {
    fault_ = std::move(handler);
}

unsigned DeviceBus::add(std::shared_ptr<Device> device) {
    if (attached_ || slots_.size() >= COOP_MAX_DEVICES) {
        throw std::length_error{"no device can be added to the bus any more"};
    }
    auto sizes = device->queue_sizes();
    if (sizes.size() > COOP_MAX_QUEUES || device->config().size() > sizeof(coop_device_page::config)) {
        throw std::invalid_argument{"device has more queues or config space than a device page holds"};
    }
    for (auto const size : sizes) {
        if (!std::has_single_bit(size) || size > 32768) {
            throw std::invalid_argument{"queue size of a device is not a power of two up to 32768"};
        }
    }
    auto slot = std::make_unique<Slot>();
    slot->number = count();
    slot->device = std::move(device);
    slot->queue_sizes = std::move(sizes);
    slots_.push_back(std::move(slot));
    return count() - 1;
}

unsigned DeviceBus::count() const {
    return static_cast<unsigned>(slots_.size());
}

void DeviceBus::attach(coop_shared* shared) {
    std::uint64_t const end =
        std::uint64_t{shared->device_offset} + std::uint64_t{shared->devices} * page_bytes;
    if (attached_ || shared->magic != COOP_SHARED_MAGIC || shared->devices < slots_.size() ||
        end > shared->size) {
        throw std::invalid_argument{"shared area is not complete or has no room for all devices"};
    }
    auto* const pages = reinterpret_cast<std::byte*>(shared) + shared->device_offset;
    for (auto const& slot : slots_) {
        slot->page = new (pages + slot->number * page_bytes) coop_device_page{};
        slot->page->device_id = slot->device->id();
        slot->page->queues = static_cast<coop_u32>(slot->queue_sizes.size());
        slot->page->device_features = slot->device->features();
        for (std::size_t i = 0; i < slot->queue_sizes.size(); ++i) {
            slot->page->queue[i].size_max = slot->queue_sizes[i];
        }
        auto const config = slot->device->config();
        slot->page->config_size = static_cast<coop_u32>(config.size());
        std::memcpy(slot->page->config, config.data(), config.size());
        auto const number = slot->number;
        slot->port = std::make_shared<DevicePort>(
            slot->page, [this, number] { raise_(number); },
            [this, number](std::string const& reason) {
                if (fault_) {
                    fault_(number, reason);
                }
            });
    }
    attached_ = true;
}

void DeviceBus::doorbell(unsigned device, unsigned queue) {
    if (!attached_ || device >= slots_.size()) {
        return;
    }
    Slot& slot = *slots_[device];
    if (queue == COOP_QUEUE_CONFIG) {
        command(slot);
    } else if (queue < slot.queue_sizes.size() && slot.active && !slot.port->broken()) {
        slot.device->notify(queue);
    }
}

void DeviceBus::command(Slot& slot) {
    if (slot.resetting && !finish_reset(slot)) {
        return; // a driver that does not wait for its reset is heard afterwards
    }
    std::uint32_t const number = slot.port->command();
    if (number == slot.port->answered()) {
        return; // a doorbell without a command
    }
    // A driver may write back what it read, so the device's own bit means nothing here.
    std::uint32_t const wanted = slot.port->status() & ~virtio_status::device_needs_reset;
    if (wanted == 0) {
        reset(slot, number, 0);
        return;
    }
    if ((slot.status & ~wanted) != 0) {
        slot.port->break_device(fmt::format("driver cleared status bits ({:#x} after {:#x})", wanted,
                                            slot.status)); // section 2.1.1
    }
    if ((wanted & virtio_status::failed) != 0) {
        reset(slot, number, wanted); // the driver has given up; what it left in the rings is not to be used
        return;
    }
    std::uint32_t const added = wanted & ~slot.status;
    std::uint32_t refused = 0;
    if ((added & virtio_status::features_ok) != 0) {
        refused = accept_features(slot) ? 0 : virtio_status::features_ok;
    }
    slot.status = wanted & ~refused;
    if ((added & virtio_status::driver_ok) != 0 && !slot.port->broken()) {
        if (!activate(slot)) {
            slot.status &= ~virtio_status::driver_ok;
        }
    }
    slot.port->answer(number, slot.status);
}

bool DeviceBus::accept_features(Slot& slot) {
    slot.driver_features = slot.port->driver_features();
    bool const known = (slot.driver_features & ~slot.device->features()) == 0;
    return known && (slot.driver_features & virtio_f_version_1) != 0; // sections 2.2.2 and 6.2
}

bool DeviceBus::activate(Slot& slot) {
    if ((slot.status & virtio_status::features_ok) == 0) {
        slot.port->break_device(
            "driver set DRIVER_OK before the device accepted its features"); // section 3.1.1
        return false;
    }
    std::vector<Virtqueue> queues;
    for (unsigned i = 0; i < slot.queue_sizes.size(); ++i) {
        coop_queue const chosen = slot.port->queue(i);
        if (chosen.enabled == 0) {
            queues.emplace_back();
            continue;
        }
        if (chosen.size > slot.queue_sizes[i]) {
            slot.port->break_device(
                fmt::format("driver chose {} descriptors for queue {}, the device allows {}", chosen.size, i,
                            slot.queue_sizes[i]));
            return false;
        }
        auto queue = Virtqueue::create(
            ram_, {chosen.size, chosen.desc_gpa, chosen.driver_gpa, chosen.device_gpa}, slot.driver_features);
        if (!queue) {
            slot.port->break_device(fmt::format("queue {}: {}", i, queue.error().message));
            return false;
        }
        queues.push_back(std::move(*queue));
    }
    slot.active = true;
    slot.port->unmute();
    slot.device->activate(slot.driver_features, std::move(queues), InterruptLine{slot.port});
    return true;
}

// Answers the command with status once the device is quiet.
void DeviceBus::reset(Slot& slot, std::uint32_t command, std::uint32_t status) {
    slot.resetting = true;
    slot.reset_command = command;
    slot.reset_status = status;
    if (std::exchange(slot.active, false)) {
        slot.port->mute();
        slot.quiet = false;
        slot.device->begin_reset([this, &slot] {
            slot.quiet = true;
            again_(slot.number);
        });
    }
    finish_reset(slot); // most are quiet at once
}

bool DeviceBus::finish_reset(Slot& slot) {
    if (!slot.quiet) {
        return false;
    }
    slot.resetting = false;
    slot.status = slot.reset_status;
    slot.driver_features = 0;
    // For the next driver, as at first. The guest may scribble over it; the device does not read it back.
    for (std::size_t i = 0; i < slot.queue_sizes.size(); ++i) {
        slot.port->clear_queue(static_cast<unsigned>(i), slot.queue_sizes[i]);
    }
    slot.port->publish_config(slot.device->config());
    slot.port->answer(slot.reset_command, slot.reset_status);
    return true;
}

void DeviceBus::begin_reset_all() {
    for (auto const& slot : slots_) {
        if (slot->port && !slot->resetting) {
            reset(*slot, slot->port->answered(), 0);
        }
    }
}

bool DeviceBus::idle() const {
    return std::none_of(slots_.begin(), slots_.end(), [](auto const& slot) { return slot->resetting; });
}

void DeviceBus::reset_all() {
    begin_reset_all();
    for (auto const& slot : slots_) {
        slot->device->reset(); // waits, also for what the device still has to say about an earlier one
        if (slot->resetting) {
            finish_reset(*slot);
        }
    }
}

} // namespace coop
