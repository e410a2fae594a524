// SPDX-License-Identifier: GPL-2.0-only
/* GDT, IDT and TSS (SDM 3A 3.5, 6.14, 8.7). One GDT and IDT for all CPUs, a TSS for each; spare ones for the
 * cases. */
#include "metal.h"

enum { PRESENT_TSS = 0x89, PRESENT_LDT = 0x82, INTERRUPT_GATE = 0x8e, BUSY = 1 << 1, STUB_STRIDE = 16 };

extern const char metal_vectors[]; /* 256 stubs */

__attribute__((aligned(16))) uint64_t metal_gdt[32];
__attribute__((aligned(4096))) uint64_t metal_idt[256][2];
struct metal_tss metal_tss[TSS_COUNT];
static __attribute__((aligned(16))) uint8_t stacks[TSS_COUNT][IST_TEST][IST_BYTES];
static uint64_t ldt[2] = {0, FLAT_DATA};

static void fill_system_descriptor(uint64_t* at, const void* base, uint64_t bytes, uint64_t type) {
    uint64_t address = (uint64_t)base;

    at[0] = (bytes - 1) | (address & 0xffffff) << 16 | type << 40 | (address >> 24 & 0xff) << 56;
    at[1] = address >> 32;
}

static uint64_t ist_of(uint32_t vector) {
    switch (vector) {
    case VECTOR_NMI:
        return IST_NMI;
    case VECTOR_MACHINE_CHECK:
        return IST_MACHINE_CHECK;
    /* As in kernels: the passage's last resort is a UD2, when TR may be the guest's yet. */
    case VECTOR_UNDEFINED:
        return 0;
    case VECTOR_TEST_IST:
        return IST_TEST;
    default:
        return vector < 32 ? IST_FAULT : 0;
    }
}

void metal_descriptors_init(void) {
    metal_gdt[KERNEL_CS / 8] = FLAT_CODE;
    metal_gdt[KERNEL_DS / 8] = FLAT_DATA;
    for (unsigned i = 0; i < SPARE_DATA_COUNT; i++)
        metal_gdt[SPARE_DATA / 8 + i] = FLAT_DATA;
    for (unsigned i = 0; i < TSS_COUNT; i++) {
        for (unsigned ist = 1; ist <= IST_TEST; ist++)
            metal_tss[i].ist[ist - 1] = (uint64_t)stacks[i][ist - 1] + IST_BYTES;
        metal_tss[i].io_map = sizeof(struct metal_tss);
        fill_system_descriptor(&metal_gdt[FIRST_TSS / 8 + 2 * i], &metal_tss[i], sizeof(struct metal_tss),
                               PRESENT_TSS);
    }
    fill_system_descriptor(&metal_gdt[LDT_SELECTOR / 8], ldt, sizeof(ldt), PRESENT_LDT);
    for (uint32_t vector = 0; vector < 256; vector++) {
        uint64_t stub = (uint64_t)metal_vectors + vector * STUB_STRIDE;

        metal_idt[vector][0] = (stub & 0xffff) | KERNEL_CS << 16 | ist_of(vector) << 32 |
                               (uint64_t)INTERRUPT_GATE << 40 | (stub >> 16 & 0xffff) << 48;
        metal_idt[vector][1] = stub >> 32;
    }
}

void metal_load_tss(uint32_t index) {
    uint16_t selector = (uint16_t)(FIRST_TSS + 16 * index);

    metal_gdt[selector / 8] &= ~((uint64_t)BUSY << 40);
    asm volatile("ltr %0" ::"r"(selector) : "memory");
}

void metal_descriptors_load(uint32_t cpu) {
    struct metal_table gdt = {sizeof(metal_gdt) - 1, (uint64_t)metal_gdt};
    struct metal_table idt = {sizeof(metal_idt) - 1, (uint64_t)metal_idt};

    asm volatile("lgdt %0; lidt %1" ::"m"(gdt), "m"(idt));
    metal_load_tss(cpu);
}
