// SPDX-License-Identifier: GPL-2.0-only
// Words for Linux hosts.
#include "os/words.hpp"

namespace coop::ctl::words {

char const* const administrator = "root";
char const* const become_administrator = "run it by sudo";
// No `modprobe`: nothing installs the module.
char const* const load_driver = "build it by `tools/dev build --preset release` and load it by "
                                "`insmod build/release/hosts/linux/$(uname -r)/coop.ko`";
char const* const no_fred = "boot it with fred=off";
char const* const defragment = "`echo 1 > /proc/sys/vm/compact_memory` may help";

} // namespace coop::ctl::words
