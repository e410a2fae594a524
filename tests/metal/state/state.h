/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Everything that a world's registers can hold, filled at random and verified. The same code runs in the host
 * (cases/state.c) and in a guest of its own (guest.c); each brings a place with tables of its own in two
 * variants, between which it changes.
 */
#ifndef METAL_STATE_H
#define METAL_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/x86_64/switched_state.h"

enum { STATE_MAX_MSRS = 16, STATE_XSAVE_BYTES = 4096, STATE_VARIANTS = 2 };
/* Selectors that both worlds' GDTs have: 0x10 code, 0x18 data, three more, then TSS and LDT variants. */
enum { STATE_TSS = 0x40, STATE_TSS_STRIDE = 0x20, STATE_LDT = 0x80, STATE_IN_LDT = 0xc };

struct state_table {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

/* What a world has to choose from. */
struct state_place {
    struct state_table gdt[STATE_VARIANTS], idt[STATE_VARIANTS];
    uint64_t cr3[STATE_VARIANTS];
    uint64_t cr0_bits, cr4_bits, dr6_bits; /* that may be set as one likes */
    uint64_t pcids;       /* bits of CR3 that may, with CR4.PCIDE; without it PWT and PCD may */
    uint64_t xcr0;        /* components; 0: no XSAVE */
    uint32_t absent_msrs; /* bit n: row n of the table is not there */
};

/* The registers by number, for the report. */
enum state_register {
    STATE_CR0,
    STATE_CR2,
    STATE_CR3,
    STATE_CR4,
    STATE_DR0,
    STATE_DR1,
    STATE_DR2,
    STATE_DR3,
    STATE_DR6,
    STATE_DR7,
    STATE_XCR0,
    STATE_DS,
    STATE_ES,
    STATE_FS,
    STATE_GS,
    STATE_SS,
    STATE_LDTR,
    STATE_LDT_LIMIT,
    STATE_TR,
    STATE_TSS_STACK,
    STATE_GDT_BASE,
    STATE_GDT_LIMIT,
    STATE_IDT_BASE,
    STATE_IDT_LIMIT,
    STATE_RFLAGS,
    STATE_VECTORS, /* value: offset in the XSAVE area */
    STATE_FIRST_GPR,
    STATE_FIRST_MSR = STATE_FIRST_GPR + 16,
    STATE_REGISTERS = STATE_FIRST_MSR + STATE_MAX_MSRS,
};
#define STATE_NAMES                                                                                       \
    "cr0", "cr2", "cr3", "cr4", "dr0", "dr1", "dr2", "dr3", "dr6", "dr7", "xcr0", "ds", "es", "fs", "gs", \
        "ss", "ldtr", "ldt", "tr", "tss", "gdtr.base", "gdtr.limit", "idtr.base", "idtr.limit", "rflags", \
        "xsave"

struct state {
    __attribute__((aligned(64))) uint8_t vectors[STATE_XSAVE_BYTES], vectors_now[STATE_XSAVE_BYTES];
    uint64_t random;
    uint64_t value[STATE_REGISTERS]; /* what is in force since the last fill */
    unsigned variant;                /* of the tables */
    /* The first difference that verify found. */
    uint32_t differs;
    uint64_t expected, found;
};

uint64_t state_random(struct state* state);
/* A new random value in every register but the general ones and RFLAGS. Context: interrupts off, for the
 * host. */
void state_fill(struct state* state, const struct state_place* place);
/* False if a register does not hold what fill left there. */
bool state_verify(struct state* state, const struct state_place* place);

/* The part of a place that the CPU decides: cr4_bits of either world's, dr6_bits, xcr0, absent_msrs. */
void state_probe(struct state_place* place);
/* Bits of CR4 that are the host's alone: the guest runs with them clear. */
uint64_t state_host_cr4_bits(void);
/* GDT (32 entries), LDT (2) and TSS descriptors of one variant; tss_bytes each, in a row. */
void state_fill_tables(uint64_t* gdt, uint64_t* ldt, unsigned variant, uint64_t tss, uint64_t tss_stride);
/* Which TSS is in force, told by the stack that an interrupt takes. Each world has its own. */
uint64_t state_tss_stack(void);

/* The table's MSRs, in rows. */
extern const uint32_t state_msr_count;

/* General registers around a switch, in the SDM's order (rsp unused), and RFLAGS. */
struct state_gprs {
    uint64_t in[16], out[16], flags_in, flags_out;
};
#define STATE_CALLEE_SAVED 0xf028 /* rbx rbp r12–r15 */
#define STATE_ALL_GPRS 0xffef
/* New random values, RFLAGS of flag_bits. */
void state_fill_gprs(struct state* state, struct state_gprs* gprs, uint64_t flag_bits);
/* False if one of the registers in mask, or RFLAGS, has changed. */
bool state_verify_gprs(struct state* state, const struct state_gprs* gprs, uint32_t mask, uint64_t flag_bits);

/* The guest leaves by it, to be answered at once; but for YIELD and an interrupt. */
enum { STATE_UNKNOWN_DOORBELL = 15 };

/* The guest's parameters, at GUEST_PARAMETERS. */
struct state_report {
    uint64_t seed;
    uint64_t arm;    /* APIC timer: its vector register, and below it ticks from when the guest is about to
                        leave;    0: none */
    uint64_t rounds; /* result: verified */
    uint64_t events; /* result: taken */
    uint64_t differs, expected, found;
    uint64_t keep_cr4; /* bits that it leaves alone */
};

#endif
