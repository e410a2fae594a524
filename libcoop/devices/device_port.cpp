// SPDX-License-Identifier: GPL-2.0-only
// One device's page in the shared area; see device_port.hpp.
#include "devices/device_port.hpp"

#include "devices/virtio.hpp"

#include <algorithm>
#include <atomic>

namespace coop {
namespace {

// Fields of the page are only ever accessed through these.
template <typename T>
T load(T const& field, std::memory_order order = std::memory_order_relaxed) {
    return std::atomic_ref<T>{const_cast<T&>(field)}.load(order);
}

template <typename T>
void store(T& field, T value, std::memory_order order = std::memory_order_relaxed) {
    std::atomic_ref<T>{field}.store(value, order);
}

} // namespace

DevicePort::DevicePort(coop_device_page* page, std::function<void()> raise,
                       std::function<void(std::string const&)> fault)
    : page_{page}, raise_{std::move(raise)}, fault_{std::move(fault)} {}

std::uint32_t DevicePort::command() const {
    return load(page_->command, std::memory_order_acquire);
}

std::uint32_t DevicePort::status() const {
    return load(page_->status);
}

std::uint64_t DevicePort::driver_features() const {
    return load(page_->driver_features);
}

coop_queue DevicePort::queue(unsigned index) const {
    coop_queue const& field = page_->queue[index];
    coop_queue copy{};
    copy.size = load(field.size);
    copy.enabled = load(field.enabled);
    copy.desc_gpa = load(field.desc_gpa);
    copy.driver_gpa = load(field.driver_gpa);
    copy.device_gpa = load(field.device_gpa);
    return copy;
}

void DevicePort::clear_queue(unsigned index, std::uint16_t size_max) {
    coop_queue& field = page_->queue[index];
    store(field.enabled, coop_u32{0});
    store(field.size_max, size_max);
    store(field.size, coop_u16{0});
    store(field.desc_gpa, coop_u64{0});
    store(field.driver_gpa, coop_u64{0});
    store(field.device_gpa, coop_u64{0});
}

void DevicePort::answer(std::uint32_t command, std::uint32_t status) {
    std::lock_guard const lock{mutex_};
    if (status == 0) {
        broken_ = false;
    }
    answered_command_ = command;
    answered_status_ = status | (broken_ ? virtio_status::device_needs_reset : 0u);
    store(page_->status_seen, answered_status_);
    store(page_->command_seen, command, std::memory_order_release);
}

std::uint32_t DevicePort::answered() const {
    std::lock_guard const lock{mutex_};
    return answered_command_;
}

void DevicePort::unmute() {
    std::lock_guard const lock{mutex_};
    muted_ = false;
}

void DevicePort::mute() {
    std::lock_guard const lock{mutex_};
    muted_ = true;
    store(page_->interrupts, coop_u64{0});
}

void DevicePort::interrupt_locked(unsigned bit) {
    if (muted_) {
        return;
    }
    // What the driver is told about is visible before it sees the bit. While earlier bits wait, so does an
    // interrupt.
    auto const before =
        std::atomic_ref<coop_u64>{page_->interrupts}.fetch_or(1ull << bit, std::memory_order_seq_cst);
    if (before == 0) {
        raise_();
    }
}

void DevicePort::interrupt_queue(unsigned index) {
    std::lock_guard const lock{mutex_};
    interrupt_locked(index);
}

void DevicePort::publish_config(std::span<std::byte const> bytes) {
    std::lock_guard const lock{mutex_};
    bytes = bytes.first(std::min(bytes.size(), sizeof(page_->config)));
    auto octet = [this](std::size_t i) -> coop_u8& { return page_->config[i]; };
    bool same = load(page_->config_size) == bytes.size();
    for (std::size_t i = 0; same && i < bytes.size(); ++i) {
        same = load(octet(i)) == std::to_integer<coop_u8>(bytes[i]);
    }
    if (same) {
        return;
    }
    // Odd while the bytes change, so that a driver that reads it before and after never takes a mixture for
    // the truth.
    std::atomic_ref<coop_u32>{page_->config_generation}.fetch_add(1, std::memory_order_seq_cst);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    store(page_->config_size, static_cast<coop_u32>(bytes.size()));
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        store(octet(i), std::to_integer<coop_u8>(bytes[i]));
    }
    std::atomic_ref<coop_u32>{page_->config_generation}.fetch_add(1, std::memory_order_release);
    interrupt_locked(COOP_DEVICE_CONFIG_INTERRUPT);
}

void DevicePort::break_device(std::string const& reason) {
    std::lock_guard const lock{mutex_};
    break_locked(reason);
}

void DevicePort::fault(std::string const& reason) {
    std::lock_guard const lock{mutex_};
    if (!muted_) {
        break_locked(reason);
    }
}

void DevicePort::break_locked(std::string const& reason) {
    if (broken_) {
        return;
    }
    broken_ = true;
    answered_status_ |= virtio_status::device_needs_reset;
    store(page_->status_seen, answered_status_);
    interrupt_locked(
        COOP_DEVICE_CONFIG_INTERRUPT); // section 2.1.2: a notification, if the driver is there to take it
    if (fault_) {
        fault_(reason);
    }
}

bool DevicePort::broken() const {
    std::lock_guard const lock{mutex_};
    return broken_;
}

} // namespace coop
