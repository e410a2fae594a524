// SPDX-License-Identifier: GPL-2.0-only
// One life of a guest, from taking its memory to its end. Lives on io's thread; a reboot is a new object.
#pragma once

#include "devices/console.hpp"
#include "devices/device_bus.hpp"
#include "devices/guest_ram.hpp"
#include "devices/net.hpp"
#include "os/driver.hpp"
#include "process/end_reason.hpp"
#include "process/vcpu_threads.hpp"
#include "spec/guest_spec.hpp"

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace coop::ctl {

// All but fault are called on io's thread, never from within Guest's constructor or destructor.
struct GuestHooks {
    std::function<void(std::span<std::byte const>)> console_output;
    std::function<void(std::string_view)> kernel_log;
    std::function<void()> ready;                   // the guest's console driver is up
    std::function<void(EndResult)> ended;          // last call; the Guest may be destroyed from it
    std::function<void(std::string const&)> fault; // a device was misused; any thread
};

class Guest {
public:
    // Starts it. Throws Failure that says what is wrong, with nothing left behind.
    Guest(boost::asio::io_context& io, std::unique_ptr<Driver> driver, GuestSpec const& spec,
          GuestHooks hooks);
    // Ends the guest if it still runs.
    ~Guest();
    Guest(Guest const&) = delete;
    Guest& operator=(Guest const&) = delete;

    // Takes a guest that has ended off its disks. true: it can be destroyed without a wait. false: they have
    // requests under way; done is called when they are over, and may destroy the Guest.
    bool retire(std::function<void()> done);

    void press_power_button();                     // throws DriverError
    void kill();                                   // throws DriverError; hooks.ended follows
    coop_stats stats();                            // throws DriverError
    std::vector<NetCounters> net_counters() const; // of each interface, in order
    // Returns how many bytes were taken.
    std::size_t input(std::string_view bytes);
    void resize(std::uint16_t columns, std::uint16_t rows);

private:
    void add_devices(boost::asio::io_context& io, GuestSpec const& spec);
    coop_start load(boost::asio::io_context& io, GuestSpec const& spec);
    void watch_doorbells(boost::asio::io_context& io);
    void on_doorbell(unsigned device, unsigned queue);
    std::function<void()> ring_later(boost::asio::io_context& io, unsigned device, unsigned queue);
    void drain_log();
    void on_finished(VcpuThreads::Outcome const& outcome);

    // Destruction runs from the last to the first: threads, doorbells, devices, memory, handle.
    GuestHooks hooks_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
    std::unique_ptr<Driver> driver_;
    coop_host_info host_{};
    std::vector<std::shared_ptr<Device>> devices_;
    std::shared_ptr<Console> console_;
    std::vector<std::shared_ptr<Net>> nets_;
    std::unique_ptr<Mapping> mapping_;
    std::unique_ptr<GuestRam> ram_;
    std::unique_ptr<DeviceBus> bus_;
    coop_device_page* console_page_ = nullptr;
    bool ready_ = false;
    std::function<void()> retired_; // retire()'s done, while it waits
    std::uint64_t log_position_ = 0;
    std::vector<std::unique_ptr<Watch>> watches_;
    std::unique_ptr<VcpuThreads> vcpus_;
};

} // namespace coop::ctl
