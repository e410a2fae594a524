// SPDX-License-Identifier: GPL-2.0-only
// What the core makes of a host's control registers.
#include "arch/x86_64/host_features.hpp"
#include <catch2/catch.hpp>

#include <utility>

using namespace coop;

constexpr std::uint64_t nxe = cpu::efer_nxe;

TEST_CASE("a host with FRED is refused, whatever else it has", "[host]") {
    constexpr std::uint64_t others = cpu::cr4_pae | cpu::cr4_pge | cpu::cr4_la57 | cpu::cr4_cet;
    CHECK(host_features(cpu::cr4_fred, nxe, 0, 0).refusal == COOP_HOST_FRED);
    CHECK(host_features(cpu::cr4_fred, 0, 0, 0).refusal == COOP_HOST_FRED);
    CHECK(host_features(cpu::cr4_fred | others, nxe, 7, 0).refusal == COOP_HOST_FRED);
    CHECK(host_features(others, nxe, 7, 0).refusal == 0);
    CHECK(host_features(~cpu::cr4_fred, ~0ull, 7, 0).refusal == 0);
}

TEST_CASE("a host without no-execute pages is refused", "[host]") {
    CHECK(host_features(cpu::cr4_la57, ~nxe, 7, 0).refusal == COOP_HOST_NO_NX);
}

TEST_CASE("a host with shadow stacks in ring 0 is refused, one with branch tracking alone is not", "[host]") {
    constexpr std::uint64_t branch_tracking = 1 << 2;
    CHECK(host_features(cpu::cr4_cet, nxe, 0, cpu::s_cet_shstk | branch_tracking).refusal ==
          COOP_HOST_SHADOW_STACK);
    CHECK(host_features(cpu::cr4_cet, nxe, 0, branch_tracking).refusal == 0);
    CHECK(host_features(0, nxe, 0, cpu::s_cet_shstk).refusal == 0);
}

TEST_CASE("each control-register bit is told as one feature", "[host]") {
    const std::pair<std::uint64_t, std::uint64_t> rows[] = {
        {cpu::cr4_la57, COOP_HOST_LA57}, {cpu::cr4_pcide, COOP_HOST_PCID}, {cpu::cr4_vmxe, COOP_HOST_VMX_ON},
        {cpu::cr4_fred, COOP_HOST_FRED}, {cpu::cr4_cet, COOP_HOST_CET},    {cpu::cr4_smep, COOP_HOST_SMEP},
        {cpu::cr4_smap, COOP_HOST_SMAP},
    };
    for (const auto& [bit, feature] : rows)
        CHECK(host_features(bit, nxe, 0, 0).features == feature);
    CHECK(host_features(0, nxe | cpu::efer_svme, 0, 0).features == COOP_HOST_VMX_ON);
    CHECK(host_features(0, 0, 0x207, 0).xcr0 == 0x207);
}
