// SPDX-License-Identifier: GPL-2.0-only
// Everything the guest kernel needs in memory at entry: planned before its RAM is taken, written afterwards.
#pragma once

#include "boot/kernel_image.hpp"
#include "coop/guest/abi.h"
#include "coop/ioctl.h"
#include "devices/expected.hpp"
#include "devices/guest_ram.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace coop {

// What to boot. The views must stay valid while plan_runs and place run.
struct BootRequest {
    KernelImage const* kernel = nullptr;
    std::span<std::byte const> initrd; // may be empty
    std::string command_line;
    std::uint64_t ram_bytes = 0; // a multiple of 2 MiB
    unsigned vcpus = 1;
    unsigned devices = 0;
    // About the host, for the header of the shared area.
    std::uint64_t tsc_khz = 0;
    std::uint64_t wall_ns = 0;      // UTC nanoseconds since 1970 …
    std::uint64_t wall_tsc = 0;     // … at this TSC value
    std::uint32_t shared_flags = 0; // COOP_SHARED_*
};

// Indices into coop_create.runs.
constexpr unsigned run_kernel = 0;
constexpr unsigned run_boot_data = 1;
constexpr unsigned run_initrd = 2;

constexpr std::size_t max_command_line = 2047; // without the NUL; Linux COMMAND_LINE_SIZE on x86

// Sizes for coop_create.runs: multiples of 2 MiB, 0 for none. Refuses what cannot boot.
Expected<std::array<std::uint64_t, COOP_CREATE_RUNS>> plan_runs(BootRequest const& request);

struct BootPlacement {
    coop_start start;
    coop_shared* shared; // in guest RAM, header complete, vCPU and device pages zero
};

// Writes kernel, initrd and boot data into the runs taken for them. extents: the whole RAM as the driver gave
// it, sorted; ram: the same, mapped. The clock values of request may be newer than those that plan_runs saw;
// nothing else may differ.
Expected<BootPlacement> place(BootRequest const& request, std::span<coop_extent const> extents,
                              GuestRam const& ram);

} // namespace coop
