// SPDX-License-Identifier: GPL-2.0-only
// What the facts of an NT host mean for guests.
#include "os/host_checks.hpp"

#include "os/windows/host_facts.hpp"
#include "os/words.hpp"
#include "spec/size.hpp"

#include <fmt/format.h>

namespace coop::ctl {

namespace {

// CODEINTEGRITY_OPTION_*
constexpr std::uint32_t ci_enabled = 0x1;
constexpr std::uint32_t ci_test_signing = 0x2;
constexpr std::uint32_t ci_hypervisor_enforced = 0x400;

constexpr std::uint32_t least_build = 14393; // Windows 10 1607

Check system_version(HostFacts const& facts) {
    if (facts.reactos) {
        return {"system", "System", Verdict::good, "ReactOS", ""};
    }
    bool const old = facts.build != 0 && facts.build < least_build;
    return {"system", "System",
            facts.build == 0 ? Verdict::unknown
            : old            ? Verdict::problem
                             : Verdict::good,
            facts.build == 0 ? "unknown" : fmt::format("build {}", facts.build),
            old ? "Windows 10 1607 (build 14393) or newer is needed" : ""};
}

Check memory_integrity(HostFacts const& facts) {
    if (!facts.code_integrity && !facts.isolated_kernel) {
        return {"vbs", "Memory integrity", Verdict::good, "not in this system", ""};
    }
    bool const enforced = (facts.code_integrity.value_or(0) & ci_hypervisor_enforced) != 0;
    bool const isolated = facts.isolated_kernel.value_or(false);
    return {"vbs", "Memory integrity", enforced || isolated ? Verdict::problem : Verdict::good,
            enforced   ? "on (HVCI)"
            : isolated ? "off, but virtualization-based security runs"
                       : "off",
            enforced || isolated
                ? "guests run in ring 0, which the hypervisor would forbid: turn off Core isolation "
                  "and virtualization-based security, then boot again"
                : ""};
}

Check signatures(HostFacts const& facts) {
    auto const options = facts.code_integrity.value_or(0);
    bool const lenient = (options & ci_enabled) == 0 || (options & ci_test_signing) != 0;
    bool const locked = facts.secure_boot.value_or(false);
    return {"signatures", "Driver signatures", lenient ? Verdict::good : Verdict::note,
            lenient ? "test signatures are accepted" : "enforced",
            lenient ? ""
            : locked
                ? "a test-signed driver needs Secure Boot off in the firmware's setup, then `bcdedit /set "
                  "testsigning on` and a new boot"
                : "a test-signed driver needs `bcdedit /set testsigning on` and a new boot"};
}

Check driver_check(ServiceState state) {
    bool const runs = state == ServiceState::running;
    return {"module", "Driver",
            runs                             ? Verdict::good
            : state == ServiceState::unknown ? Verdict::unknown
                                             : Verdict::problem,
            state_word(state), runs ? "" : words::load_driver};
}

} // namespace

std::vector<Check> judge(HostFacts const& facts) {
    std::vector<Check> checks;
    checks.push_back({"cpu", "CPU", Verdict::good, facts.cpu.empty() ? "unknown" : facts.cpu, ""});
    checks.push_back(system_version(facts));
    checks.push_back({"paging", "Paging", Verdict::unknown, "known once the driver runs", ""});
    checks.push_back({"pcid", "PCID", Verdict::good, facts.pcid ? "available" : "not available", ""});
    checks.push_back(
        {"nx", "NX", facts.nx ? Verdict::good : Verdict::problem, facts.nx ? "on" : "off",
         facts.nx ? "" : "guests need no-execute pages: switch them on in the firmware's setup"});
    checks.push_back(memory_integrity(facts));
    checks.push_back({"secure-boot", "Secure Boot", facts.secure_boot ? Verdict::good : Verdict::unknown,
                      !facts.secure_boot   ? "unknown"
                      : *facts.secure_boot ? "on"
                                           : "off",
                      ""});
    checks.push_back(signatures(facts));
    checks.push_back({"virtualization", "Virtualization", Verdict::good,
                      facts.hypervisor ? "a hypervisor runs below this system" : "none below this system",
                      ""});
    checks.push_back({"tsc", "TSC", facts.tsc_invariant ? Verdict::good : Verdict::note,
                      facts.tsc_invariant ? "invariant" : "not known to be stable",
                      facts.tsc_invariant ? "" : "guest clocks may drift"});
    checks.push_back({"meltdown", "Meltdown", facts.kernel_shadowed ? Verdict::good : Verdict::unknown,
                      !facts.kernel_shadowed   ? "unknown"
                      : *facts.kernel_shadowed ? "affected: guests isolate their page tables"
                                               : "not affected: guests run without page-table isolation",
                      ""});
    checks.push_back({"nmi-eviction", "NMI eviction", Verdict::unknown, "known once the driver runs", ""});
    checks.push_back(memory_check(facts.memory, "available"));
    checks.push_back(driver_check(facts.driver));
    return checks;
}

std::vector<Check> host_checks(std::filesystem::path const&) {
    return judge(read_host_facts());
}

} // namespace coop::ctl
