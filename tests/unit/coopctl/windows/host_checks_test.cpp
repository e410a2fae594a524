// SPDX-License-Identifier: GPL-2.0-only
// doctor's checks, against made-up NT hosts.
#include "find_check.hpp"
#include "os/windows/host_facts.hpp"

using namespace coop::ctl;

namespace {

HostFacts plain_host() {
    HostFacts facts;
    facts.cpu = "Some CPU";
    facts.tsc_invariant = true;
    facts.build = 19045;
    facts.code_integrity = 0x3; // enabled, test signing
    facts.isolated_kernel = false;
    facts.secure_boot = false;
    facts.kernel_shadowed = true;
    facts.memory = 4ull << 30;
    facts.driver = ServiceState::running;
    return facts;
}

} // namespace

TEST_CASE("a plain host") {
    auto const checks = judge(plain_host());
    CHECK(std::all_of(checks.begin(), checks.end(), [](auto const& each) {
        return each.verdict == Verdict::good || each.id == "paging" || each.id == "nmi-eviction";
    }));
    CHECK(find(checks, "cpu").value == "Some CPU");
    CHECK(find(checks, "vbs").value == "off");
    CHECK(find(checks, "signatures").value == "test signatures are accepted");
    CHECK(find(checks, "memory").value == "4 GiB available");
    CHECK(find(checks, "module").value == "running");
}

TEST_CASE("a host that hides everything is unknown, not broken") {
    auto const checks = judge(HostFacts{});
    CHECK(find(checks, "system").verdict == Verdict::unknown);
    CHECK(find(checks, "secure-boot").verdict == Verdict::unknown);
    CHECK(find(checks, "meltdown").verdict == Verdict::unknown);
    CHECK(find(checks, "vbs").verdict == Verdict::good); // older than that
    CHECK(find(checks, "module").verdict == Verdict::unknown);
}

TEST_CASE("obstacles come with advice") {
    auto facts = plain_host();
    facts.build = 10586;
    facts.nx = false;
    facts.tsc_invariant = false;
    facts.code_integrity = 0x401;
    facts.secure_boot = true;
    facts.memory = 1 << 20;
    facts.driver = ServiceState::absent;
    auto const checks = judge(facts);
    for (auto const* const id : {"system", "nx", "vbs", "memory", "module"}) {
        CHECK(find(checks, id).verdict == Verdict::problem);
        CHECK_FALSE(find(checks, id).advice.empty());
    }
    CHECK(find(checks, "vbs").value == "on (HVCI)");
    CHECK(find(checks, "signatures").verdict == Verdict::note);
    CHECK(find(checks, "signatures").advice.find("Secure Boot off") != std::string::npos);
    CHECK(find(checks, "tsc").verdict == Verdict::note);
}

TEST_CASE("ReactOS is no old Windows") {
    auto facts = plain_host();
    facts.build = 3790;
    CHECK(find(judge(facts), "system").verdict == Verdict::problem);
    facts.reactos = true;
    CHECK(find(judge(facts), "system").verdict == Verdict::good);
    CHECK(find(judge(facts), "system").value == "ReactOS");
}

TEST_CASE("virtualization-based security is an obstacle without HVCI too") {
    auto facts = plain_host();
    facts.isolated_kernel = true;
    CHECK(find(judge(facts), "vbs").verdict == Verdict::problem);
}

TEST_CASE("this host's own facts can be read") {
    auto const facts = read_host_facts();
    CHECK_FALSE(facts.cpu.empty());
    CHECK(facts.build != 0);
    CHECK(facts.memory > 0);
    CHECK(facts.driver != ServiceState::unknown);
}
