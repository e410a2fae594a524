// SPDX-License-Identifier: GPL-2.0-only
// What an NT host tells of itself, apart from what it means, so that tests can make up hosts.
#pragma once

#include "os/host_checks.hpp"
#include "os/windows/services.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace coop::ctl {

struct HostFacts {
    std::string cpu;         // its brand
    bool hypervisor = false; // something runs below this system
    bool pcid = false;
    bool nx = true;
    bool tsc_invariant = false;
    bool reactos = false;                        // its own system, with Windows' numbers
    std::uint32_t build = 0;                     // of the system: 14393 is Windows 10 1607
    std::optional<std::uint32_t> code_integrity; // CODEINTEGRITY_OPTION_*
    std::optional<bool> isolated_kernel;         // VBS runs
    std::optional<bool> secure_boot;
    std::optional<bool> kernel_shadowed; // page tables isolated for Meltdown
    std::uint64_t memory = 0;            // bytes that are free
    ServiceState driver = ServiceState::unknown;
};

HostFacts read_host_facts();
std::vector<Check> judge(HostFacts const& facts);

} // namespace coop::ctl
