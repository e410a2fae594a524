// SPDX-License-Identifier: GPL-2.0-only
// The note by which a guest kernel declares itself (coop/guest/abi.h).
#pragma once

#include "coop/guest/abi.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace coop {

// Looks for it in the contents of a PT_NOTE segment with that p_align. Notes after a malformed one are not
// found.
std::optional<coop_boot_note> find_boot_note(std::span<std::byte const> notes, std::uint64_t alignment);

} // namespace coop
