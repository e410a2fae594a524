// SPDX-License-Identifier: GPL-2.0-only
// What the driver adds to doctor's checks.
#include "cli/doctor_checks.hpp"
#include "fake_driver.hpp"
#include "find_check.hpp"

using namespace coop::ctl;

TEST_CASE("memory: none for any guest, little, enough") {
    auto const verdict = [](std::uint64_t bytes) {
        FakeHost host;
        host.info.ram_available = bytes;
        std::vector<Check> checks;
        add_driver_checks(checks, *host.open());
        return find(checks, "memory").verdict;
    };
    CHECK(verdict(0) == Verdict::problem);
    CHECK(verdict((32ull << 20) - 1) == Verdict::problem);
    CHECK(verdict(32ull << 20) == Verdict::note);
    CHECK(verdict(256ull << 20) == Verdict::good);
}

TEST_CASE("the driver's word counts more than guesses") {
    FakeHost host;
    host.info.features = COOP_HOST_LA57 | COOP_HOST_NMI_KICK | COOP_HOST_TSC_STABLE;
    host.info.tsc_khz = 2500000;
    std::vector<Check> checks = {{"paging", "Paging", Verdict::good, "4-level", ""}};
    add_driver_checks(checks, *host.open());
    CHECK(checks.front().value == "5-level");
    CHECK(find(checks, "nmi-eviction").verdict == Verdict::good);
    CHECK(find(checks, "tsc").value == "stable, 2500.000 MHz");
    CHECK(find(checks, "abi").verdict == Verdict::good);

    host.info.refusal = COOP_HOST_FRED;
    host.info.features |= COOP_HOST_FRED;
    add_driver_checks(checks, *host.open());
    CHECK(find(checks, "refusal").verdict == Verdict::problem);
    CHECK(find(checks, "fred").verdict == Verdict::problem);

    host.version.ioctl_major = 2;
    checks.clear();
    add_driver_checks(checks, *host.open());
    CHECK(find(checks, "abi").verdict == Verdict::problem);
}
