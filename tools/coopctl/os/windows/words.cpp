// SPDX-License-Identifier: GPL-2.0-only
// Words for NT hosts.
#include "os/words.hpp"

namespace coop::ctl::words {

char const* const administrator = "an administrator";
char const* const become_administrator = "run it in a console that was opened by \"Run as administrator\"";
char const* const load_driver =
    "install it by `coopctl driver install` and start it by `coopctl driver start`";
char const* const no_fred = "use a version of Windows without it";
char const* const defragment = "start guests soon after the host has booted";

} // namespace coop::ctl::words
