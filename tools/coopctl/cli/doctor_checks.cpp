// SPDX-License-Identifier: GPL-2.0-only
// Checks by the driver.
#include "cli/doctor_checks.hpp"

#include "os/words.hpp"
#include "process/driver_explain.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace coop::ctl {

void replace_check(std::vector<Check>& checks, Check check) {
    auto const found =
        std::find_if(checks.begin(), checks.end(), [&](Check const& each) { return each.id == check.id; });
    if (found == checks.end()) {
        checks.push_back(std::move(check));
    } else {
        *found = std::move(check);
    }
}

void add_driver_checks(std::vector<Check>& checks, Driver& driver) {
    auto const version = driver.version();
    replace_check(checks, {"module", "Module", Verdict::good, fmt::format("loaded ({})", version.build), ""});
    replace_check(checks, {"device", "Device", Verdict::good, "can be opened", ""});
    try {
        check_abi(version);
        replace_check(checks,
                      {"abi", "ABI", Verdict::good,
                       fmt::format("control {}.{}, guest {}.{}", version.ioctl_major, version.ioctl_minor,
                                   version.guest_abi_major, version.guest_abi_minor),
                       ""});
    } catch (Failure const& failure) {
        replace_check(checks, {"abi", "ABI", Verdict::problem, failure.what(), failure.advice()});
        return; // another layout: ask nothing more
    }
    auto const host = driver.host();
    auto has = [&](coop_u64 bit) { return (host.features & bit) != 0; };
    auto set = [&](char const* id, char const* title, Verdict verdict, std::string value,
                   char const* advice = "") {
        replace_check(checks, {id, title, verdict, std::move(value), advice});
    };
    set("paging", "Paging", Verdict::good, has(COOP_HOST_LA57) ? "5-level" : "4-level");
    set("pcid", "PCID", Verdict::good, has(COOP_HOST_PCID) ? "in use" : "not in use");
    set("fred", "FRED", has(COOP_HOST_FRED) ? Verdict::problem : Verdict::good,
        has(COOP_HOST_FRED) ? "on" : "off", has(COOP_HOST_FRED) ? words::no_fred : "");
    set("nx", "NX", has(COOP_HOST_NO_NX) ? Verdict::problem : Verdict::good,
        has(COOP_HOST_NO_NX) ? "off" : "on",
        has(COOP_HOST_NO_NX) ? "guests need no-execute pages: switch them on in the firmware's setup" : "");
    if (has(COOP_HOST_VBS)) {
        set("vbs", "Memory integrity", Verdict::problem, "on", refusal_text(COOP_HOST_VBS).c_str());
    }
    if (has(COOP_HOST_SHADOW_STACK))
        set("cet", "CET", Verdict::problem, "on, with shadow stacks",
            refusal_text(COOP_HOST_SHADOW_STACK).c_str());
    else
        set("cet", "CET", Verdict::good, has(COOP_HOST_CET) ? "on; off while a guest runs" : "off");
    set("virtualization", "Virtualization", Verdict::good,
        has(COOP_HOST_VMX_ON) ? "in use; no obstacle" : "not in use");
    set("tsc", "TSC", has(COOP_HOST_TSC_STABLE) ? Verdict::good : Verdict::note,
        fmt::format("{}, {:.3f} MHz", has(COOP_HOST_TSC_STABLE) ? "stable" : "not known to be stable",
                    static_cast<double>(host.tsc_khz) / 1000),
        has(COOP_HOST_TSC_STABLE) ? "" : "guest clocks may drift");
    set("meltdown", "Meltdown", Verdict::good,
        has(COOP_HOST_MELTDOWN) ? "affected: guests isolate their page tables"
                                : "not affected: guests run without page-table isolation");
    set("nmi-eviction", "NMI eviction", has(COOP_HOST_NMI_KICK) ? Verdict::good : Verdict::note,
        has(COOP_HOST_NMI_KICK) ? "possible" : "not possible",
        has(COOP_HOST_NMI_KICK) ? "" : "a guest that keeps interrupts off holds its CPU");
    replace_check(checks, memory_check(host.ram_available, "for guests"));
    set("guests", "Guests", Verdict::good, fmt::format("{} running, {} CPUs", host.guests, host.cpus));
    if (host.refusal != 0) {
        set("refusal", "Driver", Verdict::problem, refusal_text(host.refusal));
    }
}

} // namespace coop::ctl
