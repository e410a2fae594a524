// SPDX-License-Identifier: GPL-2.0-only
// Whole files in memory: kernel and initrd.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace coop::ctl {

// what names the file's role in messages ("kernel"), and is the name of its option; most in bytes; if_larger
// is the advice for a larger one. Throws Failure: missing, unreadable, not a file, too large.
std::vector<std::byte> read_whole_file(std::string const& name, char const* what, std::uint64_t most,
                                       char const* if_larger);

} // namespace coop::ctl
