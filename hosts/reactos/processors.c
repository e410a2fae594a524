// SPDX-License-Identifier: GPL-2.0-only
/* ReactOS runs on one CPU, and has neither processor groups nor another CPU to aim a DPC at. */
#include "shim.h"

uint32_t coop_processor_count(void) {
    return 1;
}

uint32_t coop_processor_current(void) {
    return 0;
}

bool coop_processor_aim(PKDPC dpc, uint32_t cpu) {
    UNREFERENCED_PARAMETER(dpc);
    return cpu == 0;
}
