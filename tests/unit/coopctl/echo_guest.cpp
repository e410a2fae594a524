// SPDX-License-Identifier: GPL-2.0-only
// The echoing guest.
#include "echo_guest.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <fmt/format.h>

namespace coop::ctl {

namespace {

constexpr std::uint64_t page = 4096;
constexpr std::uint64_t version_1 = 1ull << 32;
constexpr std::uint64_t console_size = 1; // VIRTIO_CONSOLE_F_SIZE

struct Descriptor {
    std::uint64_t gpa;
    std::uint32_t bytes;
    std::uint16_t flags;
    std::uint16_t next;
};
struct Available {
    std::uint16_t flags;
    std::uint16_t index;
    std::uint16_t ring[8];
};
struct Used {
    std::uint16_t flags;
    std::uint16_t index;
    struct {
        std::uint32_t id;
        std::uint32_t bytes;
    } ring[8];
};

} // namespace

EchoGuest::EchoGuest(FakeHost& host) : host_(host) {
    host_.on_boot = [this] { boot(); };
    host_.on_interrupt = [this] { on_interrupt(); };
}

void EchoGuest::set_status(unsigned status) {
    auto* const device = host_.device_page(0);
    device->status = status;
    std::atomic_ref(device->command).fetch_add(1);
    host_.ring(0, COOP_QUEUE_CONFIG);
}

void EchoGuest::boot() {
    auto const gpa = host_.free_memory();
    receive_ = {0, gpa};
    transmit_ = {1, gpa + 4 * page};
    auto* const device = host_.device_page(0);
    for (unsigned const status : {0u, 1u, 3u}) {
        set_status(status);
    }
    device->driver_features = version_1 | (device->device_features & console_size);
    set_status(11);
    for (auto const* queue : {&receive_, &transmit_}) {
        std::memset(host_.memory(queue->gpa), 0, 3 * page);
        device->queue[queue->index] = {
            device->queue[queue->index].size_max, 8, 1, queue->gpa, queue->gpa + page, queue->gpa + 2 * page};
    }
    set_status(15);
    offer(receive_, page, true);
    print("hello from the guest\r\n");
}

void EchoGuest::offer(Queue& queue, std::uint32_t bytes, bool writable) {
    constexpr std::uint16_t write_flag = 2;
    auto* const descriptor = reinterpret_cast<Descriptor*>(host_.memory(queue.gpa));
    *descriptor = {queue.gpa + 3 * page, bytes, writable ? write_flag : std::uint16_t{0}, 0};
    auto* const available = reinterpret_cast<Available*>(host_.memory(queue.gpa + page));
    available->ring[queue.offered % 8] = 0;
    std::atomic_ref(available->index).store(++queue.offered);
    host_.ring(0, queue.index);
}

bool EchoGuest::take_used(Queue& queue, std::uint32_t& bytes) {
    auto* const used = reinterpret_cast<Used*>(host_.memory(queue.gpa + 2 * page));
    if (std::atomic_ref(used->index).load() == queue.used) {
        return false;
    }
    bytes = used->ring[queue.used++ % 8].bytes;
    return true;
}

void EchoGuest::print(std::string_view text) {
    std::memcpy(host_.memory(transmit_.gpa + 3 * page), text.data(),
                std::min<std::size_t>(text.size(), page));
    offer(transmit_, static_cast<std::uint32_t>(std::min<std::size_t>(text.size(), page)), false);
    std::uint32_t ignored = 0;
    take_used(transmit_, ignored); // the device has it by now: both sides are on one thread
}

void EchoGuest::on_interrupt() {
    auto* const device = host_.device_page(0);
    auto const bits = std::atomic_ref(device->interrupts).exchange(0);
    if ((bits >> COOP_DEVICE_CONFIG_INTERRUPT) != 0) {
        std::uint16_t size[2];
        std::memcpy(size, device->config, sizeof size);
        print(fmt::format("[{}x{}]\r\n", size[0], size[1]));
    }
    std::uint32_t bytes = 0;
    while (take_used(receive_, bytes)) {
        std::string const text(reinterpret_cast<char const*>(host_.memory(receive_.gpa + 3 * page)), bytes);
        offer(receive_, page, true);
        typed(text);
    }
}

void EchoGuest::typed(std::string const& text) {
    print(text);
    line_ += text;
    if (line_.ends_with("panic\r") || line_.ends_with("panic\n")) {
        host_.print_log("Kernel panic - not syncing\n");
        host_.end_guest({0, COOP_END_PANIC, 0, 0, 0});
    } else if (line_.ends_with("reboot\r") || line_.ends_with("reboot\n")) {
        line_.clear();
        host_.end_guest({0, COOP_END_REBOOT, 0, 0, 0});
    }
}

} // namespace coop::ctl
