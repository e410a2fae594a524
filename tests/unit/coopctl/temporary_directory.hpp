// SPDX-License-Identifier: GPL-2.0-only
// The directory for one test, by the name that coopctl's tests know it by.
#pragma once

#include "../temporary_directory.hpp"

namespace coop::ctl {

using test::TemporaryDirectory;

} // namespace coop::ctl
