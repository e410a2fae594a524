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
 * loads the guest's, which are gone. */
void case_segments_gone(void) {
    struct metal_guest guest = GUEST(segments_gone);

    CHECK_EQUAL(metal_guest_run(&guest), COOP_END_POWEROFF);
    CHECK_EQUAL(guest.parameters[PARAM_RESULT / 8], 0);
    metal_guest_end(&guest);
}
