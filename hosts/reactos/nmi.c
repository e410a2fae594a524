// SPDX-License-Identifier: GPL-2.0-only
/* Nobody can evict a guest from the only CPU. */
#include "shim.h"

bool coop_nmi_possible(void) {
    return false;
}

int coop_nmi_load(void) {
    return 0;
}

void coop_nmi_unload(void) {}

void coop_host_kick_nmi(uint32_t cpu) {
    UNREFERENCED_PARAMETER(cpu);
}
