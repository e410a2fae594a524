// SPDX-License-Identifier: GPL-2.0-only
/* The local APIC (SDM 3A chapter 11), and the old interrupt controllers silenced. CPU numbers are APIC IDs.
 */
#include "metal.h"
#include "ports.h"

enum {
    APIC = 0xfee00000,
    END_OF_INTERRUPT = 0xb0,
    SPURIOUS = 0xf0,
    IN_SERVICE = 0x100,
    REQUESTED = 0x200,
    COMMAND_LOW = 0x300,
    COMMAND_HIGH = 0x310,
    TIMER_LVT = 0x320,
    TIMER_COUNT = 0x380,
    TIMER_LEFT = 0x390,
    TIMER_DIVIDE = 0x3e0,
    ENABLED = 0x100,
    PENDING = 0x1000,
    DIVIDE_BY_1 = 0xb,
    PIC1_MASK = 0x21,
    PIC2_MASK = 0xa1,
};

static volatile uint32_t* at(uint32_t offset) {
    return metal_va(APIC + offset);
}

static void spurious(struct metal_frame* frame) {
    (void)frame; /* SDM 3A 11.9: no end-of-interrupt */
}

void metal_apic_init(void) {
    out8(PIC1_MASK, 0xff);
    out8(PIC2_MASK, 0xff);
    metal_handle(VECTOR_SPURIOUS, spurious);
    *at(SPURIOUS) = ENABLED | VECTOR_SPURIOUS;
    *at(TIMER_DIVIDE) = DIVIDE_BY_1;
}

void metal_apic_end(void) {
    *at(END_OF_INTERRUPT) = 0;
}

void metal_apic_arm(uint32_t lvt, uint32_t ticks) {
    *at(TIMER_COUNT) = 0; /* what was armed does not expire by the new vector */
    *at(TIMER_LVT) = lvt;
    *at(TIMER_COUNT) = ticks;
}

uint32_t metal_apic_timer_left(void) {
    return *at(TIMER_LEFT);
}

void metal_apic_send(uint32_t cpu, uint32_t command) {
    uint64_t flags = interrupts_save();

    while (*at(COMMAND_LOW) & PENDING)
        __builtin_ia32_pause();
    *at(COMMAND_HIGH) = cpu << 24;
    *at(COMMAND_LOW) = APIC_ASSERT | command;
    interrupts_restore(flags);
}

bool metal_apic_requested(uint32_t vector) {
    return *at(REQUESTED + 16 * (vector / 32)) >> vector % 32 & 1;
}

bool metal_apic_in_service(void) {
    uint32_t any = 0;

    for (uint32_t word = 0; word < 8; word++)
        any |= *at(IN_SERVICE + 16 * word);
    return any != 0;
}
