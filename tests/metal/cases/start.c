// SPDX-License-Identifier: GPL-2.0-only
/* What registers a guest begins with, whatever the host has in them (docs/world-switch.md, "Starts as"). */
#include "case.h"

#include "arch/x86_64/passage_layout.h"

enum { RFLAGS_FIXED = 2, DR7_IDLE = 0x400, DR6_HITS = 0xf, FCW_INITIAL = 0x37f, MXCSR_INITIAL = 0x1f80 };
/* Not what they begin with. */
enum { HOST_DR6_HITS = 5, HOST_CR2 = 0x1234, HOST_FCW = 0x27f, HOST_MXCSR = 0x3f80 };

static uint64_t write_dr6(uint64_t value) {
    uint64_t before;

    asm volatile("mov %%db6, %0\n\tmov %1, %%db6" : "=&r"(before) : "r"(value));
    return before;
}

void case_first_state(void) {
    const uint16_t host_fcw = HOST_FCW, fcw = FCW_INITIAL;
    const uint32_t host_mxcsr = HOST_MXCSR, mxcsr = MXCSR_INITIAL;
    struct metal_guest guest = GUEST(first_state);
    volatile uint64_t* first = guest.parameters;
    const uint64_t dr6 = write_dr6(0);

    write_dr6((dr6 & ~(uint64_t)DR6_HITS) | HOST_DR6_HITS);
    asm volatile("mov %0, %%cr2\n\tfldcw %1\n\tldmxcsr %2" ::"r"((uint64_t)HOST_CR2), "m"(host_fcw),
                 "m"(host_mxcsr));
    CHECK_EQUAL(metal_guest_run(&guest), COOP_END_POWEROFF);
    asm volatile("fldcw %0\n\tldmxcsr %1" ::"m"(fcw), "m"(mxcsr));
    write_dr6(dr6);

    CHECK_EQUAL(first[FIRST_RSP / 8], GUEST_VCPU_DATA + PASSAGE_BOOT_STACK_TOP);
    CHECK_EQUAL(first[FIRST_RFLAGS / 8], RFLAGS_FIXED);
    CHECK_EQUAL(first[FIRST_CR2 / 8], 0);
    CHECK_EQUAL(first[FIRST_DR6 / 8], (dr6 & ~(uint64_t)DR6_HITS) | HOST_DR6_HITS);
    CHECK_EQUAL(first[FIRST_DR7 / 8], DR7_IDLE);
    CHECK_EQUAL(first[FIRST_FCW / 8], FCW_INITIAL);
    CHECK_EQUAL(first[FIRST_MXCSR / 8], MXCSR_INITIAL);
    metal_guest_end(&guest);
}
