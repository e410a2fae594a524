// SPDX-License-Identifier: GPL-2.0-only
// Sizes as people write them: "512M", "3GiB".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace coop::ctl {

// Bytes; suffixes K, M, G, T and KiB, MiB, GiB, TiB, all binary, in either case. Throws Failure (usage).
std::uint64_t parse_size(std::string_view text);

// The shortest exact form down to a KiB ("512 MiB"), one decimal where none is exact ("1.4 GiB").
std::string format_size(std::uint64_t bytes);

} // namespace coop::ctl
