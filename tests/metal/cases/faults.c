// SPDX-License-Identifier: GPL-2.0-only
/* A guest that misbehaves is ended, and the report says where. */
#include "case.h"

#include "arch/x86_64/passage_layout.h"

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

/* Where the passage begins to leave: its first SIDT. */
static uint64_t leave_offset(void) {
    extern const uint8_t coop_passage_start[];
    uint64_t offset = 0;

    while (coop_passage_start[offset] != 0x0f || coop_passage_start[offset + 1] != 0x01 ||
           (coop_passage_start[offset + 2] & 0x38) != 0x08)
        offset++;
    return offset;
}

/* What cannot be loaded is reported as a place in the passage. On the way out no breakpoint is on, though the
 * guest has an address there in each. */
void case_unloadable(void) {
    struct metal_guest guest = GUEST(no_tss_but_code);

    guest.parameters[PARAM_ARGUMENT / 8] = COOP_PASSAGE_VA + leave_offset();
    CHECK_EQUAL(metal_guest_run(&guest), COOP_END_BAD_STATE);
    CHECK_EQUAL(guest.run.detail, 13);
    CHECK(guest.run.rip - COOP_PASSAGE_VA < PASSAGE_TEXT_BYTES);
    metal_guest_end(&guest);
}
