// SPDX-License-Identifier: GPL-2.0-only
/* A guest that misbehaves is ended, and the report says where. */
#include "case.h"

void case_exceptions(void) {
    struct metal_guest guest = GUEST(undefined);

    CHECK_EQUAL(metal_guest_run(&guest), COOP_END_EXCEPTION);
    CHECK_EQUAL(guest.run.detail, 6);
    CHECK(guest.run.rip - guest.gpa - GUEST_CODE < 64);
    metal_guest_end(&guest);

    guest = GUEST(page_fault);
    /* Memory of the host's: not mapped there. */
    guest.parameters[PARAM_ARGUMENT / 8] = (uint64_t)&guest;
    CHECK_EQUAL(metal_guest_run(&guest), COOP_END_EXCEPTION);
    CHECK_EQUAL(guest.run.detail, 14);
    CHECK_EQUAL(guest.run.address, (uint64_t)&guest);
    metal_guest_end(&guest);
}

/* As in a kernel that is between two threads' descriptors: the host has other selectors, so the next entry
 * loads the guest's. Those that are gone become null ones, no others. */
void case_segments_gone(void) {
    static const uint64_t selectors[][2] = {
        {0x0020002000200020, 0},
        {0x0018001800180020, 0x0018001800180000},
        {0x0018001800200018, 0x0018001800000018},
        {0x0018002000180018, 0x0018000000180018},
        {0x0020001800180018, 0x0000001800180018},
    };

    for (unsigned i = 0; i < sizeof(selectors) / sizeof(selectors[0]); i++) {
        struct metal_guest guest = GUEST(segments_gone);

        guest.parameters[PARAM_ARGUMENT / 8] = selectors[i][0];
        CHECK_EQUAL(metal_guest_run(&guest), COOP_END_POWEROFF);
        CHECK_EQUAL(guest.parameters[PARAM_RESULT / 8], selectors[i][1]);
        metal_guest_end(&guest);
    }
}
