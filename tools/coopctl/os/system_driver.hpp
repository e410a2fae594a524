// SPDX-License-Identifier: GPL-2.0-only
// The driver by a system's one way to put requests to it, which is all that os/linux and os/windows have.
#pragma once

#include "os/driver.hpp"

#include <boost/system/error_code.hpp>
#include <span>

namespace coop::ctl {

// An event of the host's that the driver can set. Destruction cancels the wait.
class HostEvent {
public:
    virtual ~HostEvent() = default;
    // As NOTIFIER wants it.
    virtual std::uint64_t handle() = 0;
    // Calls handler once, on io's thread: when the event is set, or with an error.
    virtual void wait(std::function<void(boost::system::error_code)> handler) = 0;
};

class SystemDriver : public Driver {
public:
    coop_version version() override;
    coop_host_info host() override;
    void create(coop_create const& request) override;
    std::vector<coop_extent> extents() override;
    void start(coop_start const& request) override;
    bool run(coop_run& run) override;
    std::unique_ptr<Watch> watch(boost::asio::io_context& io, unsigned device, unsigned queue,
                                 std::function<void()> handler) override;
    void interrupt(unsigned device) override;
    coop_stats stats() override;
    std::string log(std::uint64_t& position) override;
    void event(std::uint64_t bits) override;
    void end(unsigned reason) override;

    // Puts one request, with its structure; array, if any, is what the answer has beside the structure.
    // false: interrupted, put it again. Throws DriverError.
    virtual bool put(coop_request number, void* data, std::size_t bytes, std::span<std::byte> array) = 0;

private:
    // What the structure says of where its array is.
    virtual std::uint64_t address(std::byte const* array) const = 0;
    // Throws DriverError.
    virtual std::unique_ptr<HostEvent> make_event(boost::asio::io_context& io) = 0;

    template <typename T>
    T call(coop_request number, T data, std::span<std::byte> array = {});
};

} // namespace coop::ctl
