// SPDX-License-Identifier: GPL-2.0-only
// The service itself: guests that start with the host and shut down before it.
#pragma once

#include "control/runtime_dir.hpp"

namespace coop::ctl {

// Where the configuration files of its guests are.
std::filesystem::path guests_directory(RuntimeDir const& directory);

// Until the service manager stops it. Throws Failure if it was not the service manager that started us.
void run_service(RuntimeDir const& directory);

} // namespace coop::ctl
