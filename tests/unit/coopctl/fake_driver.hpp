// SPDX-License-Identifier: GPL-2.0-only
// A driver without a kernel behind it: keeps the history of calls, can fail the n-th, counts what is open. A
// guest of it does nothing until the test makes it end.
#pragma once

#include "os/driver.hpp"

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>

namespace coop::ctl {

// Shared by all handles that were opened; outlives them.
class FakeHost {
public:
    FakeHost();
    std::unique_ptr<Driver> open();

    // Settings, before the guest starts.
    coop_version version{};
    coop_host_info info{};
    unsigned fail_call = 0; // the number, from 1, of the call that fails …
    int fail_error = 22;    // … with this
    unsigned most_vcpus = COOP_MAX_VCPUS;
    bool heed_power_button = true;
    unsigned lost_presses = 0;     // so many are not heard first
    unsigned interrupted_runs = 0; // so many RUNs return early first

    // From any thread.
    std::vector<std::string> history();
    unsigned calls();
    unsigned drivers(), mappings(), watches(); // open now
    void end_guest(coop_run run);              // RUN returns this
    void print_log(std::string const& text);
    // On io's thread: the guest rings.
    void ring(unsigned device, unsigned queue);
    // The device page of device, as the guest sees it.
    coop_device_page* device_page(unsigned device);
    // The guest's memory, and its first address that boot has not filled.
    std::byte* memory(std::uint64_t gpa);
    std::uint64_t free_memory();

    // For a fake guest: called on io's thread, when it begins to run and after each interrupt of a device.
    std::function<void()> on_boot;
    std::function<void()> on_interrupt;

private:
    friend class FakeDriver;
    friend class FakeMapping;
    friend class FakeWatch;

    void call(coop_request request);
    void tell_guest(std::function<void()> const& what);

    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::string> history_;
    unsigned calls_ = 0, drivers_ = 0, mappings_ = 0, watches_ = 0;
    bool ended_ = false;
    coop_run end_{};
    std::string log_;
    std::map<std::pair<unsigned, unsigned>, std::function<void()>> handlers_;
    std::vector<coop_extent> extents_;
    std::byte* base_ = nullptr;
    boost::asio::io_context* io_ = nullptr;
    coop_start start_{};
    coop_create create_{};
};

} // namespace coop::ctl
