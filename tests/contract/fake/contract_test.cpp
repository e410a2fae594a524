// SPDX-License-Identifier: GPL-2.0-only
// The contract suite on the fake host, which looks for what was left behind and for broken rules itself.
#include "fake/environment.hpp"

#include "contract.h"

#include <catch2/catch.hpp>

namespace {

void run(void (*contract_case)()) {
    coop::test::ContractEnvironment environment;
    contract_case();
    CHECK(environment.failures() == std::vector<std::string>{});
}

} // namespace

#define CONTRACT_CASE(name)                       \
    TEST_CASE("contract: " #name, "[contract]") { \
        run(contract_##name);                     \
    }
#include "contract.def"
