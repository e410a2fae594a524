// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest of the state test: fills all its registers, leaves by a doorbell (one that other host code
 * answers, or one that the monitor answers at once) or as by an interrupt, and verifies them when it is back;
 * for ever. A flat image that runs anywhere.
 * When asked it arms the APIC's timer before it leaves: no ordinary guest may, but nothing else can time an
 * NMI or an interrupt to the instruction.
 */
#include "guest.h"
#include "state.h"

#define APIC 0xfee00000ull
enum { PAGE = 0x1000 };
/* Offsets in the run, behind the image. */
enum {
    ROOTS = 0x40000,
    PDPT_LOW = 0x42000,
    DIRECTORY = 0x43000,
    PDPT_TOP = 0x44000,
    ROOTS5 = 0x45000,
    GDTS = 0x48000
};
enum {
    IDTS = 0x4a000,
    LDTS = 0x4c000,
    TSSS = 0x4d000,
    TSS_BYTES = 0x68,
    IST1_TOPS = 0x4f000,
    STATE_AT = 0x60000
};
enum { PLACE_AT = 0x70000, GPRS_AT = 0x71000, DEVICES = 0x72000 };
enum { APIC_TIMER = 0x320, APIC_COUNT = 0x380 };
enum { IST_BREAKPOINT = 1, TSS_IST1 = 36, FLAGS = 0x247ed5 }; /* CF PF AF ZF SF IF DF OF IOPL NT AC ID */

void state_guest_main(uint8_t* run, uint64_t pud);
void state_guest_breakpoint(void);
void state_guest_int(struct state_gprs* gprs);
void state_guest_doorbell(struct state_gprs* gprs, uint64_t reason);
uint64_t state_guest_stack(void);

static uint8_t* the_run(void) { /* GS and all else is being tested: from where the code is */
    uint64_t here;
    __asm__("lea state_guest_main(%%rip), %0" : "=r"(here));
    return (uint8_t*)(here & ~(uint64_t)(GUEST_RUN_BYTES - 1));
}

uint64_t state_tss_stack(void) {
    uint64_t top = state_guest_stack() - (uint64_t)the_run();
    return top > IST1_TOPS ? STATE_TSS + STATE_TSS_STRIDE : STATE_TSS;
}

static void set_gate(uint64_t* gate, uint64_t target, uint64_t ist) {
    gate[0] = (target & 0xffff) | 0x10 << 16 | ist << 32 | 0x8eull << 40 | (target >> 16 & 0xffff) << 48;
    gate[1] = target >> 32;
}

static void make_tables(uint8_t* run, struct state_place* place, uint64_t pud) {
    const uint64_t base = (uint64_t)run, table = 3, large = 0x83;
    uint64_t cr4, breakpoint;

    __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
    __asm__("lea state_guest_breakpoint(%%rip), %0" : "=r"(breakpoint));
    for (unsigned i = 0; i < 512; i++)
        ((uint64_t*)(run + DIRECTORY))[i] = i * 0x200000ull | large;
    ((uint64_t*)(run + DEVICES))[APIC >> 21 & 511] = (APIC & ~0x1fffffull) | large;
    ((uint64_t*)(run + PDPT_LOW))[APIC >> 30] = (base + DEVICES) | table;
    ((uint64_t*)(run + PDPT_LOW))[0] = (base + DIRECTORY) | table;
    ((uint64_t*)(run + PDPT_TOP))[COOP_PASSAGE_PUD_INDEX] = pud;
    for (unsigned i = 0; i < STATE_VARIANTS; i++) {
        uint64_t *root = (uint64_t*)(run + ROOTS + i * PAGE), *root5 = (uint64_t*)(run + ROOTS5 + i * PAGE);
        uint64_t *gdt = (uint64_t*)(run + GDTS + i * PAGE), *idt = (uint64_t*)(run + IDTS + i * PAGE);
        uint8_t* tss = run + TSSS + i * TSS_BYTES;

        root[0] = (base + PDPT_LOW) | table;
        root[511] = (base + PDPT_TOP) | table;
        root5[0] = root5[511] = (uint64_t)root | table;
        place->cr3[i] = cr4 & 1 << 12 ? (uint64_t)root5 : (uint64_t)root;

        state_fill_tables(gdt, (uint64_t*)(run + LDTS + i * 16), i, base + TSSS, TSS_BYTES);
        place->gdt[i] = (struct state_table){(uint16_t)(0xff - 8 * i), (uint64_t)gdt};
        for (unsigned vector = 0; vector < 256; vector++) {
            uint64_t ist = vector == 2 ? COOP_IST_NMI : vector == 18 ? COOP_IST_MCE : COOP_IST_INTERRUPT;
            if (vector >= 32 || vector == 2 || vector == 18)
                set_gate(idt + 2 * vector,
                         COOP_PASSAGE_VA + COOP_PASSAGE_STUBS + vector * COOP_PASSAGE_STUB_STRIDE, ist);
        }
        set_gate(idt + 2 * 3, breakpoint, IST_BREAKPOINT);
        place->idt[i] = (struct state_table){(uint16_t)(0xfff - 16 * i), (uint64_t)idt};

        uint64_t* ist = (uint64_t*)(tss + TSS_IST1 - 8); /* [n]: IST n */
        ist[IST_BREAKPOINT] = base + IST1_TOPS + i * PAGE;
        ist[COOP_IST_NMI] = GUEST_VCPU_DATA + COOP_PASSAGE_NMI_STACK_TOP;
        ist[COOP_IST_MCE] = GUEST_VCPU_DATA + COOP_PASSAGE_MCE_STACK_TOP;
        ist[COOP_IST_INTERRUPT] = GUEST_VCPU_DATA + COOP_PASSAGE_INTERRUPT_STACK_TOP;
    }
}

static void __attribute__((noreturn))
end(struct state_report* report, const struct state* state, struct state_gprs* gprs) {
    report->differs = state->differs;
    report->expected = state->expected;
    report->found = state->found;
    gprs->in[2] = COOP_END_PANIC;
    gprs->flags_in = 2;
    for (;;)
        state_guest_doorbell(gprs, COOP_DOORBELL_END);
}

static void arm(struct state_report* report) {
    const uint64_t shot = __atomic_exchange_n(&report->arm, 0, __ATOMIC_RELAXED);

    if (!shot)
        return;
    *(volatile uint32_t*)(APIC + APIC_TIMER) = (uint32_t)(shot >> 32);
    *(volatile uint32_t*)(APIC + APIC_COUNT) = (uint32_t)shot;
}

void state_guest_upcall(void);
void state_guest_main(uint8_t* run, uint64_t pud) {
    struct state_report* report = (void*)(run + GUEST_PARAMETERS);
    struct state_place* place = (void*)(run + PLACE_AT);
    struct state* state = (void*)(run + STATE_AT);
    struct state_gprs* gprs = (void*)(run + GPRS_AT);
    struct coop_vcpu_page* page = (void*)(run + GUEST_VCPU_PAGE);
    uint64_t cr4;

    state->random = report->seed;
    state_probe(place);
    place->cr0_bits = 0x6005002e;                 /* MP EM TS NE WP AM NW CD */
    place->cr4_bits |= place->xcr0 ? 1 << 18 : 0; /* OSXSAVE */
    place->pcids = 0;                             /* the guest ABI's: 0 only */
    place->cr4_bits &= ~report->keep_cr4;
    make_tables(run, place, pud);
    __asm__("lea state_guest_upcall(%%rip), %0" : "=r"(page->upcall_va));
    __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
    cr4 |= 0x600 | (place->xcr0 ? 1 << 18 : 0); /* OSFXSR OSXMMEXCPT OSXSAVE */
    __asm__ volatile("mov %0, %%cr4" ::"r"(cr4) : "memory");
    for (;;) {
        uint64_t dice;

        state_fill(state, place);
        state_fill_gprs(state, gprs, FLAGS);
        dice = state_random(state) >> 62;
        arm(report);
        if (dice == 0)
            state_guest_int(gprs);
        else
            state_guest_doorbell(gprs, dice == 1 ? STATE_UNKNOWN_DOORBELL : COOP_DOORBELL_YIELD);
        if (!state_verify_gprs(state, gprs, dice == 0 ? STATE_ALL_GPRS : STATE_CALLEE_SAVED, FLAGS) ||
            !state_verify(state, place))
            end(report, state, gprs);
        report->rounds++;
    }
}
