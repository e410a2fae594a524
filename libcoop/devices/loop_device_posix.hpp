// SPDX-License-Identifier: GPL-2.0-only
// Linux's loop devices: block devices over a file, which take no lock on it.
#pragma once

#include <string>

#include <sys/stat.h>

namespace coop {

// Path of a loop device whose backing file (or block device) is file; empty: there is none that can be seen.
// A device that may not be opened, and one outside this /dev, cannot.
std::string loop_device_over(struct stat const& file);

} // namespace coop
