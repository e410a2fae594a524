// SPDX-License-Identifier: GPL-2.0-only
// None: modules and services have tools of their own here.
#include "os/host_commands.hpp"

namespace coop::ctl {

std::vector<Command> host_commands() {
    return {};
}

} // namespace coop::ctl
