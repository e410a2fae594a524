// SPDX-License-Identifier: GPL-2.0-only
// The driver as the per-guest process sees it: one open handle of /dev/coop (Linux) or \\.\coop (NT), which
// holds at most one guest. Destroying the object closes the handle, which ends the guest and returns its
// memory once every Mapping is gone too.
#pragma once

#include "coop/ioctl.h"
#include "failure.hpp"

#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace coop::ctl {

// A request that the driver refused. error is a COOP_E_* number; any other comes with its meaning.
struct DriverError : Failure {
    DriverError(coop_request request, int error);
    DriverError(coop_request request, int error, std::string const& why);
    coop_request request;
    int error;
};

// The guest's RAM in this process, writable; unmapped on destruction.
class Mapping {
public:
    virtual ~Mapping() = default;
    // Address of extent number index, in the order of Driver::extents.
    virtual std::byte* base(std::size_t index) const = 0;
};

// A host event tied to a doorbell; destruction cuts the tie, and the handler is not called any more.
class Watch {
public:
    virtual ~Watch() = default;
};

// Every function throws DriverError. All but run are quick; interrupt, end and run may be called from any
// thread.
class Driver {
public:
    virtual ~Driver() = default;
    virtual coop_version version() = 0;
    virtual coop_host_info host() = 0;
    virtual void create(coop_create const& request) = 0;
    virtual std::vector<coop_extent> extents() = 0;
    virtual std::unique_ptr<Mapping> map(std::vector<coop_extent> const& extents) = 0;
    virtual void start(coop_start const& request) = 0;
    // Lends the thread to a vCPU. false: interrupted by the host, call again.
    virtual bool run(coop_run& run) = 0;
    // Calls handler on io's thread after each doorbell (several may be reported once). device may be
    // COOP_NOTIFY_LOG.
    virtual std::unique_ptr<Watch> watch(boost::asio::io_context& io, unsigned device, unsigned queue,
                                         std::function<void()> handler) = 0;
    virtual void interrupt(unsigned device) = 0;
    virtual coop_stats stats() = 0;
    // Bytes of the guest's log from position on, which moves on; empty at the end.
    virtual std::string log(std::uint64_t& position) = 0;
    virtual void event(std::uint64_t bits) = 0;
    virtual void end(unsigned reason) = 0;
};

// Throws Failure (host): no device, no rights.
std::unique_ptr<Driver> open_driver();
// Why the device cannot be opened: error is the system's own number, errno or GetLastError().
Failure explain_open(int error, bool administrator);

char const* request_name(coop_request request);

} // namespace coop::ctl
