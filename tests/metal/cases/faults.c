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

void case_bad_state(void) {
    struct metal_guest guest = GUEST(bad_segment);

    /* The host has another selector in DS, so the next entry loads the guest's. */
    CHECK_EQUAL(metal_guest_run(&guest), COOP_END_BAD_STATE);
    CHECK_EQUAL(guest.run.detail, 11);
    metal_guest_end(&guest);
}
