// SPDX-License-Identifier: GPL-2.0-only
// Driver refusals in words.
#include "process/driver_explain.hpp"

#include "coop/host.h"
#include "os/words.hpp"
#include "spec/size.hpp"

#include <fmt/format.h>

namespace coop::ctl {

void check_abi(coop_version const& version) {
    if (version.ioctl_major != COOP_IOCTL_MAJOR || version.guest_abi_major != COOP_ABI_MAJOR) {
        throw Failure(ExitCode::host,
                      fmt::format("ABI version mismatch: coopctl has control ABI {}.{} and guest ABI {}.{}, "
                                  "the loaded driver has "
                                  "{}.{} and {}.{} ({})",
                                  COOP_IOCTL_MAJOR, COOP_IOCTL_MINOR, COOP_ABI_MAJOR, COOP_ABI_MINOR,
                                  version.ioctl_major, version.ioctl_minor, version.guest_abi_major,
                                  version.guest_abi_minor, version.build),
                      "use coopctl and the driver from the same build; unload the old driver first");
    }
}

std::string refusal_text(std::uint32_t refusal) {
    switch (refusal) {
    case COOP_HOST_FRED:
        return fmt::format("the host kernel uses FRED event delivery; {}", words::no_fred);
    case COOP_HOST_NO_NX:
        return "the host kernel does not use no-execute pages (NX); switch them on in the firmware's setup";
    case COOP_HOST_SHADOW_STACK:
        return "the host kernel uses shadow stacks (CET) for itself; turn kernel shadow stacks off and "
               "restart the host";
    case COOP_HOST_VBS:
        return "virtualization-based security runs; turn off Core isolation and all that uses it, and "
               "restart the host";
    case COOP_HOST_ENCRYPTED:
        return "the host's memory is encrypted (SEV or TDX); use a machine that is not confidential";
    default:
        return fmt::format("the driver refuses for reason {:#x}", refusal);
    }
}

void check_host(coop_host_info const& host) {
    if (host.refusal != 0) {
        throw Failure(ExitCode::host,
                      fmt::format("this host cannot run guests: {}", refusal_text(host.refusal)),
                      "`coopctl doctor` shows all that matters");
    }
}

Failure explain_create(DriverError const& error, GuestSpec const& spec, coop_host_info const& host) {
    switch (error.error) {
    case COOP_E_EXISTS:
        return {ExitCode::failure, fmt::format("a guest named '{}' runs already", spec.name),
                "stop it, or choose another name; `coopctl list` shows what runs"};
    case COOP_E_NO_MEMORY:
        return {ExitCode::failure,
                fmt::format("the host cannot give {} of memory; about {} can be had now",
                            format_size(spec.memory), format_size(host.ram_available)),
                "give the guest less with --memory, or free memory on the host"};
    case COOP_E_TOO_BIG:
        return {ExitCode::failure, "the host has no contiguous memory left for the guest's kernel or initrd",
                fmt::format("its memory is fragmented: {}, or use a smaller initrd", words::defragment)};
    case COOP_E_NOT_SUPPORTED:
        if (spec.vcpus == 1) {
            break; // not for their number
        }
        return {ExitCode::failure, fmt::format("this driver cannot run guests with {} vCPUs", spec.vcpus),
                "use --vcpus 1"};
    case COOP_E_BUSY:
        return {ExitCode::failure, "the host is about to sleep or to shut down and takes no new guest",
                "start it again afterwards"};
    default:
        break;
    }
    return {error.code(), error.what(), error.advice()};
}

} // namespace coop::ctl
