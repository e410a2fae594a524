// SPDX-License-Identifier: GPL-2.0-only
/* CPU numbers: indices over all processor groups. */
#include "shim.h"

uint32_t coop_processor_count(void) {
    return KeQueryMaximumProcessorCountEx(ALL_PROCESSOR_GROUPS);
}

uint32_t coop_processor_current(void) {
    return KeGetCurrentProcessorNumberEx(NULL);
}

bool coop_processor_aim(PKDPC dpc, uint32_t cpu) {
    PROCESSOR_NUMBER number;

    return NT_SUCCESS(KeGetProcessorNumberFromIndex(cpu, &number)) &&
           NT_SUCCESS(KeSetTargetProcessorDpcEx(dpc, &number));
}
