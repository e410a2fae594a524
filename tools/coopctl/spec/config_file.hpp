// SPDX-License-Identifier: GPL-2.0-only
// The configuration file: TOML whose keys are the names of `coopctl start`'s options (docs/coopctl.md).
#pragma once

#include "spec/guest_spec.hpp"

#include <filesystem>
#include <string>

namespace coop::ctl {

// Relative paths in the file count from the file's own directory. Throws Failure (usage) with file:line.
SpecOptions read_config_file(std::filesystem::path const& file);
// The same from text; `file` is for messages and relative paths.
SpecOptions parse_config(std::string_view text, std::filesystem::path const& file);

} // namespace coop::ctl
