// SPDX-License-Identifier: GPL-2.0-only
// The vmlinux inside a bzImage (Linux, Documentation/arch/x86/boot.rst).
#pragma once

#include "devices/expected.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace coop {

// Whether the file claims to be one.
bool is_bzimage(std::span<std::byte const> file);

// The unpacked ELF file, at most limit bytes; what a build appends to it (relocations) comes along.
Expected<std::vector<std::byte>> unpack_bzimage(std::span<std::byte const> file, std::size_t limit);

} // namespace coop
