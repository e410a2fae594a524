// SPDX-License-Identifier: GPL-2.0-only
// What the compiler expects of a C++ runtime in a kernel. Objects live on the host's heap through make_owned,
// so nothing is ever deleted through these.
#include "coop/host.h"

#include <cstddef>

void operator delete(void*) noexcept {
    coop_host_bug(__FILE__, __LINE__, "operator delete");
}
void operator delete(void*, std::size_t) noexcept {
    coop_host_bug(__FILE__, __LINE__, "operator delete");
}
