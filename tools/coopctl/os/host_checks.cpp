// SPDX-License-Identifier: GPL-2.0-only
// The part of the host checks that is the same on every host.
#include "os/host_checks.hpp"

#include "spec/guest_spec.hpp"
#include "spec/size.hpp"

#include <fmt/format.h>

namespace coop::ctl {

Check memory_check(std::uint64_t bytes, char const* what) {
    constexpr std::uint64_t little = 256ull << 20;
    auto const value = fmt::format("{} {}", format_size(bytes), what);
    if (bytes < memory_least) {
        return {
            "memory", "Memory", Verdict::problem, value,
            fmt::format("a guest needs {} at the least: free memory on the host", format_size(memory_least))};
    }
    return {"memory", "Memory", bytes < little ? Verdict::note : Verdict::good, value,
            bytes < little ? "little for a guest" : ""};
}

} // namespace coop::ctl
