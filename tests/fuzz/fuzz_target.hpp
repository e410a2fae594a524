// SPDX-License-Identifier: GPL-2.0-only
// What a fuzz target is: libFuzzer's entry point, and seeds for running without it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size);

namespace coop::fuzz {

// Inputs that reach far; never empty.
std::vector<std::vector<std::uint8_t>> seeds();

// Like assert, in every build.
inline void require(bool condition, char const* what) {
    if (!condition) {
        std::fprintf(stderr, "violated: %s\n", what);
        std::abort();
    }
}

} // namespace coop::fuzz
