// SPDX-License-Identifier: GPL-2.0-only
// A loaded core, and a guest in it, through coop/core.h as a host shim uses it.
#pragma once

#include "coop/core.h"
#include "core/fake_host.hpp"
#include "core/fake_world.hpp"

#include <string>

namespace coop::test {

inline constexpr std::uint64_t mib = 1 << 20;

coop_core_config core_config();
// ram_bytes of plain RAM and one vCPU.
coop_create create_request(const std::string& name = "test", std::uint64_t ram_bytes = 16 * mib);

// The core, loaded; unloaded in the end.
class LoadedCore {
public:
    explicit LoadedCore(const coop_core_config& config = core_config());
    LoadedCore(const LoadedCore&) = delete;
    LoadedCore& operator=(const LoadedCore&) = delete;
    ~LoadedCore() { coop_core_unload(); }
};

// A guest that exists but has not been started. Its shared area is right.
class CreatedGuest {
public:
    explicit CreatedGuest(const coop_create& request = create_request());
    CreatedGuest(const CreatedGuest&) = delete;
    CreatedGuest& operator=(const CreatedGuest&) = delete;
    ~CreatedGuest() { coop_guest_destroy(handle); }

    coop_shared& shared() const;
    coop_vcpu_page& page() const;
    // Right for start.
    coop_start start_request() const;
    // Of the run for the kernel.
    std::uint64_t ram_start() const { return ram_start_; }
    coop_stats stats() const;
    // What run returns; the request as it comes back is in last_run.
    int run();
    // Runs until the guest ends, which it must.
    coop_run run_to_end();

    static constexpr std::uint32_t devices = 3;
    coop_guest* handle = nullptr;
    coop_run last_run{};

private:
    std::uint64_t ram_start_ = 0;
};

// All of it, in the order of its making.
struct GuestFixture {
    explicit GuestFixture(const coop_core_config& config = core_config());

    FakeHost host;
    FakeWorld world;
    LoadedCore core;
    CreatedGuest guest;
};

} // namespace coop::test
