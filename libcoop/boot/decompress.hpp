// SPDX-License-Identifier: GPL-2.0-only
// Unpacks what a bzImage carries, with a bound on the size.
#pragma once

#include "devices/expected.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace coop {

// packed: gzip, zstd, xz or lzma, told apart by its first bytes; what follows the end of the stream is
// ignored. Fails for damaged or foreign data and for a result of more than limit bytes.
Expected<std::vector<std::byte>> decompress(std::span<std::byte const> packed, std::size_t limit);

} // namespace coop
