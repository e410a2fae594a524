// SPDX-License-Identifier: GPL-2.0-only
// What a host is, told by its control registers, and which hosts are refused. Pure, since no emulator has all
// of them.
#pragma once

#include "arch/x86_64/cpu.hpp"
#include "coop/ioctl.h"
#include "monitor/world.hpp"

namespace coop {

constexpr HostFeatures host_features(std::uint64_t cr4, std::uint64_t efer, std::uint64_t xcr0,
                                     std::uint64_t s_cet) {
    HostFeatures host{};
    const auto add = [&](bool condition, std::uint64_t feature) { host.features |= condition ? feature : 0; };
    add(cr4 & cpu::cr4_la57, COOP_HOST_LA57);
    add(cr4 & cpu::cr4_pcide, COOP_HOST_PCID);
    add((cr4 & cpu::cr4_vmxe) || (efer & cpu::efer_svme), COOP_HOST_VMX_ON);
    add(cr4 & cpu::cr4_fred, COOP_HOST_FRED);
    add(cr4 & cpu::cr4_cet, COOP_HOST_CET);
    add((cr4 & cpu::cr4_cet) && (s_cet & cpu::s_cet_shstk), COOP_HOST_SHADOW_STACK);
    add(cr4 & cpu::cr4_smep, COOP_HOST_SMEP);
    add(cr4 & cpu::cr4_smap, COOP_HOST_SMAP);
    add(!(efer & cpu::efer_nxe), COOP_HOST_NO_NX);
    host.xcr0 = xcr0;
    // FRED replaces the IDT that interrupts are forwarded through. The passage's data has the NX bit, which
    // is reserved without NXE: a page fault in the middle of a switch. The intermediate address space has no
    // shadow stack, and an NMI in the passage returns without IRET.
    for (const std::uint64_t reason : {COOP_HOST_FRED, COOP_HOST_NO_NX, COOP_HOST_SHADOW_STACK})
        if (host.refusal == 0)
            host.refusal = host.features & reason;
    return host;
}

} // namespace coop
