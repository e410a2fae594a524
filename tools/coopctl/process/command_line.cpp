// SPDX-License-Identifier: GPL-2.0-only
// Page-table isolation on the command line.
#include "process/command_line.hpp"

#include <algorithm>
#include <sstream>

namespace coop::ctl {

std::string complete_command_line(std::string const& chosen, bool host_has_meltdown) {
    std::istringstream words(chosen);
    for (std::string word; words >> word && word != "--";) { // what follows -- is init's
        if (word == "nopti" || word.starts_with("pti=") || word.starts_with("mitigations=")) {
            return chosen;
        }
    }
    // In front: behind a "--" it would not be the kernel's.
    std::string const pti = host_has_meltdown ? "pti=on" : "pti=off";
    return chosen.empty() ? pti : pti + ' ' + chosen;
}

} // namespace coop::ctl
