// SPDX-License-Identifier: GPL-2.0-only
// The smallest file that KernelImage accepts: one segment and the boot note.
#pragma once

#include "coop/guest/abi.h"

#include <string>

namespace coop::ctl {

std::string tiny_kernel(unsigned abi_major = COOP_ABI_MAJOR);

} // namespace coop::ctl
