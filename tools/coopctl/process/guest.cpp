// SPDX-License-Identifier: GPL-2.0-only
// Building, running and ending a guest.
#include "process/guest.hpp"

#include "boot/boot_layout.hpp"
#include "boot/kernel_image.hpp"
#include "devices/block.hpp"
#include "devices/block_file.hpp"
#include "net/user_network.hpp"
#include "process/command_line.hpp"
#include "process/driver_explain.hpp"
#include "process/files.hpp"

#include <algorithm>
#include <atomic>
#include <boost/asio/post.hpp>
#include <chrono>
#include <fmt/format.h>
#include <utility>
#include <x86intrin.h>

namespace coop::ctl {

namespace {

constexpr unsigned console_device = 0;
constexpr unsigned transmit_queue = 1;            // virtio 1.2, 5.1.2 and 5.3.2
constexpr std::uint32_t driver_ok = 4;            // virtio 1.2, 2.1
constexpr std::uint64_t kernel_most = 1ull << 30; // a vmlinux with debug information
// Of all networks together. Each is a descriptor, of which a process usually has 1024, and clients and files
// need some.
constexpr std::size_t flows_most = 512;
constexpr std::string_view default_serial = "disk";

template <typename T>
T require(Expected<T> result) {
    if (!result) {
        throw Failure(ExitCode::failure, result.error().message, result.error().advice);
    }
    return std::move(result).value();
}

std::uint64_t wall_ns() {
    auto const now = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

coop_create create_request(GuestSpec const& spec, std::array<std::uint64_t, COOP_CREATE_RUNS> const& runs) {
    coop_create request{};
    std::copy_n(spec.name.begin(), std::min(spec.name.size(), sizeof request.name - 1), request.name);
    request.ram_bytes = spec.memory;
    std::copy(runs.begin(), runs.end(), request.runs);
    request.vcpus = spec.vcpus;
    return request;
}

} // namespace

Guest::Guest(boost::asio::io_context& io, std::unique_ptr<Driver> driver, GuestSpec const& spec,
             GuestHooks hooks)
    : hooks_(std::move(hooks)), driver_(std::move(driver)) {
    check_abi(driver_->version());
    host_ = driver_->host();
    check_host(host_);
    add_devices(io, spec);
    coop_start const start = load(io, spec);
    watch_doorbells(io); // before START: the driver takes no notifier later
    driver_->start(start);
    // The threads know io and alive_, never this: they may still report while it is being destroyed.
    vcpus_ = std::make_unique<VcpuThreads>(
        *driver_, spec.vcpus,
        [this, &io, alive = std::weak_ptr<bool>(alive_)](VcpuThreads::Outcome const& outcome) {
            boost::asio::post(io, [this, alive, outcome] {
                if (!alive.expired()) {
                    on_finished(outcome);
                }
            });
        });
}

Guest::~Guest() {
    alive_.reset();
    vcpus_.reset();
    watches_.clear();
    if (bus_) {
        bus_->reset_all();
    }
}

void Guest::add_devices(boost::asio::io_context& io, GuestSpec const& spec) {
    console_ =
        std::make_shared<Console>([this](std::span<std::byte const> data) { hooks_.console_output(data); },
                                  ring_later(io, console_device, transmit_queue));
    devices_.push_back(console_);
    for (std::size_t i = 0; i < spec.disks.size(); ++i) {
        auto const& disk = spec.disks[i];
        BlockOptions options;
        options.read_only = disk.readonly;
        options.serial = disk.serial.empty() ? fmt::format("{}{}", default_serial, i) : disk.serial;
        devices_.push_back(
            std::make_shared<Block>(require(BlockFile::open(disk.path, disk.readonly)), options));
    }
    for (auto const& interface : spec.interfaces) {
        auto const device = static_cast<unsigned>(devices_.size());
        nets_.push_back(
            std::make_shared<Net>(make_user_network(io, interface, flows_most / spec.interfaces.size()),
                                  parse_mac(interface.mac), ring_later(io, device, transmit_queue)));
        nets_.back()->set_link(interface.link_up);
        devices_.push_back(nets_.back());
    }
}

coop_start Guest::load(boost::asio::io_context& io, GuestSpec const& spec) {
    auto const kernel = require(
        KernelImage::parse(read_whole_file(spec.kernel, "kernel", kernel_most, "give a vmlinux or bzImage")));
    std::vector<std::byte> initrd;
    if (!spec.initrd.empty()) {
        initrd = read_whole_file(spec.initrd, "initrd", spec.memory,
                                 "give the guest more memory, or use a smaller initrd");
    }
    BootRequest boot;
    boot.kernel = &kernel;
    boot.initrd = initrd;
    boot.command_line = complete_command_line(spec.cmdline, (host_.features & COOP_HOST_MELTDOWN) != 0);
    boot.ram_bytes = spec.memory;
    boot.vcpus = spec.vcpus;
    boot.devices = static_cast<unsigned>(devices_.size());
    boot.tsc_khz = host_.tsc_khz;
    boot.shared_flags = (host_.features & COOP_HOST_TSC_STABLE) != 0 ? COOP_SHARED_TSC_STABLE : 0;

    auto const request = create_request(spec, require(plan_runs(boot)));
    try {
        driver_->create(request);
    } catch (DriverError const& error) {
        throw explain_create(error, spec, host_);
    }
    auto const extents = driver_->extents();
    mapping_ = driver_->map(extents);
    std::vector<RamExtent> ram;
    for (std::size_t i = 0; i < extents.size(); ++i) {
        ram.push_back({extents[i].gpa, extents[i].size, mapping_->base(i)});
    }
    ram_ = std::make_unique<GuestRam>(std::move(ram));
    bus_ = std::make_unique<DeviceBus>(
        *ram_,
        [this](unsigned device) {
            try {
                driver_->interrupt(device);
            } catch (Failure const&) { // NOLINT(bugprone-empty-catch): it has ended; nobody waits for it
            }
        },
        [this, &io, alive = std::weak_ptr<bool>(alive_)](unsigned device) {
            boost::asio::post(io, [this, alive, device] {
                if (alive.expired()) {
                    return;
                }
                bus_->doorbell(device, COOP_QUEUE_CONFIG);
                if (retired_ && bus_->idle()) {
                    auto const retired = std::move(retired_);
                    retired();
                }
            });
        });
    bus_->on_fault([this](unsigned device, std::string const& reason) {
        hooks_.fault(fmt::format("device {}: {}", device, reason));
    });
    for (auto const& device : devices_) {
        bus_->add(device);
    }
    boot.wall_ns = wall_ns();
    boot.wall_tsc = __rdtsc();
    auto const placed = require(place(boot, extents, *ram_));
    // Found once, before the guest can write the header.
    console_page_ = reinterpret_cast<coop_device_page*>(reinterpret_cast<std::byte*>(placed.shared) +
                                                        placed.shared->device_offset);
    bus_->attach(placed.shared);
    return placed.start;
}

void Guest::watch_doorbells(boost::asio::io_context& io) {
    for (unsigned device = 0; device < devices_.size(); ++device) {
        auto watch = [&](unsigned queue) {
            watches_.push_back(
                driver_->watch(io, device, queue, [this, device, queue] { on_doorbell(device, queue); }));
        };
        watch(COOP_QUEUE_CONFIG);
        for (unsigned queue = 0; queue < devices_[device]->queue_sizes().size(); ++queue) {
            watch(queue);
        }
    }
    watches_.push_back(driver_->watch(io, COOP_NOTIFY_LOG, 0, [this] { drain_log(); }));
}

void Guest::on_doorbell(unsigned device, unsigned queue) {
    bus_->doorbell(device, queue);
    if (!ready_ && device == console_device && queue == COOP_QUEUE_CONFIG) {
        std::atomic_ref<coop_u32> const status(console_page_->status_seen);
        ready_ = (status.load(std::memory_order_relaxed) & driver_ok) != 0;
        if (ready_) {
            hooks_.ready();
        }
    }
}

// For a device that will go on with its queue once others have had their turn.
std::function<void()> Guest::ring_later(boost::asio::io_context& io, unsigned device, unsigned queue) {
    return [this, &io, device, queue, due = std::make_shared<bool>(false)] {
        if (std::exchange(*due, true)) {
            return; // a guest that keeps ringing must not heap these up
        }
        boost::asio::post(io, [this, device, queue, due, alive = std::weak_ptr<bool>(alive_)] {
            if (!alive.expired()) {
                *due = false;
                bus_->doorbell(device, queue);
            }
        });
    };
}

void Guest::drain_log() {
    // A guest that floods its log must not keep the loop: the ring holds 64 KiB, so this ends soon or at the
    // next doorbell.
    for (int chunk = 0; chunk < 4; ++chunk) {
        std::string text;
        try {
            text = driver_->log(log_position_);
        } catch (DriverError const& error) {
            hooks_.fault(error.what());
            return;
        }
        if (text.empty()) {
            return;
        }
        hooks_.kernel_log(text);
    }
}

void Guest::on_finished(VcpuThreads::Outcome const& outcome) {
    // Doorbells rung just before the end may not have been heard: take the guest's last words now.
    bus_->doorbell(console_device, transmit_queue);
    drain_log();
    auto const ended = std::move(hooks_.ended);
    ended(!outcome.error.empty() ? describe_error(outcome.error)
          : outcome.run          ? describe_end(*outcome.run)
                                 : describe_error("the guest's threads stopped without a reason"));
}

bool Guest::retire(std::function<void()> done) {
    bus_->begin_reset_all();
    if (bus_->idle()) {
        return true;
    }
    retired_ = std::move(done);
    return false;
}

void Guest::press_power_button() {
    driver_->event(COOP_EVENT_POWER_BUTTON);
}

void Guest::kill() {
    driver_->end(COOP_END_KILLED);
}

coop_stats Guest::stats() {
    return driver_->stats();
}

std::vector<NetCounters> Guest::net_counters() const {
    std::vector<NetCounters> counters;
    for (auto const& net : nets_) {
        counters.push_back(net->counters());
    }
    return counters;
}

std::size_t Guest::input(std::string_view bytes) {
    return console_->input(std::as_bytes(std::span(bytes)));
}

void Guest::resize(std::uint16_t columns, std::uint16_t rows) {
    console_->resize(columns, rows);
}

} // namespace coop::ctl
