// SPDX-License-Identifier: GPL-2.0-only
// doctor's checks, against made-up Linux hosts.
#include "find_check.hpp"
#include "temporary_directory.hpp"

using namespace coop::ctl;

TEST_CASE("a host that hides everything is unknown, not broken") {
    TemporaryDirectory const root;
    auto const checks = host_checks(root.path());
    CHECK(find(checks, "paging").verdict == Verdict::unknown);
    CHECK(find(checks, "memory").verdict == Verdict::unknown);
    CHECK(find(checks, "tsc").verdict == Verdict::unknown);
    CHECK(find(checks, "async-page-faults").verdict == Verdict::unknown);
    CHECK(find(checks, "lockdown").verdict == Verdict::unknown); // securityfs is not mounted
    CHECK(find(checks, "module").verdict == Verdict::problem);
}

TEST_CASE("a kernel without lockdown") {
    TemporaryDirectory const root;
    root.write("sys/kernel/security/lsm", "capability,yama\n");
    auto const checks = host_checks(root.path());
    CHECK(find(checks, "lockdown").verdict == Verdict::good);
    CHECK(find(checks, "lockdown").value == "not in this kernel");
}

TEST_CASE("a plain host") {
    TemporaryDirectory const root;
    root.write("proc/cpuinfo",
               "processor\t: 0\nmodel name\t: Some CPU\nflags\t\t: lm nx pcid la57 constant_tsc "
               "nonstop_tsc hypervisor\n");
    root.write("proc/meminfo", "MemTotal: 9 kB\nMemAvailable:    4194304 kB\n");
    root.write("proc/modules", "kvm_intel 1 2 - Live 0x0\nkvm 1 1 kvm_intel, Live 0x0\n");
    root.write("sys/kernel/security/lockdown", "[none] integrity confidentiality\n");
    root.write("sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n");
    root.write("sys/devices/system/cpu/vulnerabilities/meltdown", "Not affected\n");
    root.write("sys/module/coop/refcnt", "0\n");
    auto const checks = host_checks(root.path());
    CHECK(std::none_of(checks.begin(), checks.end(),
                       [](auto const& each) { return each.verdict == Verdict::problem; }));
    CHECK(find(checks, "cpu").value == "Some CPU");
    CHECK(find(checks, "paging").value == "5-level");
    CHECK(find(checks, "pcid").value == "available");
    CHECK(find(checks, "lockdown").value == "none");
    CHECK(find(checks, "virtualization").value ==
          "in use by kvm_intel; this host is a virtual machine itself");
    CHECK(find(checks, "tsc").value == "stable");
    CHECK(find(checks, "memory").value == "4 GiB available");
    CHECK(find(checks, "meltdown").value == "not affected: guests run without page-table isolation");
    CHECK(find(checks, "module").value == "loaded");
}

TEST_CASE("obstacles come with advice") {
    TemporaryDirectory const root;
    root.write("proc/cpuinfo", "flags\t\t: lm fred ibt\n");
    root.write("proc/meminfo", "MemAvailable: 1024 kB\n");
    root.write("sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
    root.write("sys/module/module/parameters/sig_enforce", "Y\n");
    root.write("sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet\n");
    auto const checks = host_checks(root.path());
    CHECK(find(checks, "fred").verdict == Verdict::problem);
    CHECK(find(checks, "nx").verdict == Verdict::problem);
    CHECK(find(checks, "cet").verdict == Verdict::note);
    CHECK(find(checks, "paging").value == "4-level");
    CHECK(find(checks, "lockdown").verdict == Verdict::problem);
    CHECK(find(checks, "module-signatures").verdict == Verdict::note);
    CHECK(find(checks, "tsc").verdict == Verdict::note);
    CHECK(find(checks, "memory").verdict == Verdict::problem);
    CHECK(find(checks, "module").verdict == Verdict::problem);
    for (auto const& each : checks) {
        CHECK((each.verdict != Verdict::problem || !each.advice.empty()));
    }
}

TEST_CASE("page faults that KVM sends are not Hyper-V's interrupts") {
    TemporaryDirectory const root;
    auto const verdict = [&](char const* interrupts, char const* clocks) {
        root.write("proc/interrupts", interrupts);
        root.write("sys/devices/system/clocksource/clocksource0/available_clocksource", clocks);
        return find(host_checks(root.path()), "async-page-faults").verdict;
    };
    char const* const with =
        "           CPU0\n  0:          9   IO-APIC   timer\nHYP:         42   Hypervisor "
        "callback interrupts\n";
    char const* const without = "           CPU0\n  0:          9   IO-APIC   timer\n";
    CHECK(verdict(with, "tsc kvm-clock\n") == Verdict::problem);
    CHECK(verdict(without, "tsc kvm-clock\n") == Verdict::good);
    CHECK(verdict(with, "hyperv_clocksource_tsc_page\n") == Verdict::good);
    CHECK(verdict(without, "tsc hpet acpi_pm\n") == Verdict::good);
}
