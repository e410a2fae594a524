// SPDX-License-Identifier: GPL-2.0-only
/* Fills and verifies a world's registers, see state.h. */
#include "state.h"

#include "msr.h"

#include <cpuid.h>

#define XCR0_X87 0x1
#define XCR0_SSE 0x2
#define XCR0_AVX 0x4
#define XCR0_MPX 0x18
#define XCR0_AVX512 0xe0
#define XCR0_PKRU 0x200

#define CR0_EM 0x4
#define CR0_TS 0x8
#define CR0_WP 0x10000
#define CR0_NW 0x20000000
#define CR0_CD 0x40000000
#define CR3_PWT_PCD 0x18
#define CR4_PGE 0x80
#define CR4_PCIDE 0x20000
#define CR4_OSXSAVE 0x40000
#define CR4_CET 0x800000
#define DR6_IDLE 0xffff0ff0

/* Integers only: the guest's code has no relocations. */
static const struct {
    uint32_t number;
    uint64_t free_bits;
} msrs[] = {
#define ROW(name, number, present, starts_as_host, free_bits) {number, free_bits},
    COOP_RESIDENT_MSRS(ROW) COOP_PASSAGE_MSRS(ROW)
#undef ROW
};
const uint32_t state_msr_count = sizeof(msrs) / sizeof(msrs[0]);
_Static_assert(sizeof(msrs) / sizeof(msrs[0]) <= STATE_MAX_MSRS, "room for all");

uint64_t state_random(struct state* state) {
    uint64_t x = state->random;

    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    state->random = x;
    return x * 0x2545f4914f6cdd1d;
}

static uint64_t canonical(uint64_t value) { /* also with five-level paging off */
    return (uint64_t)((int64_t)(value << 16) >> 16);
}

#define READ(instruction)                                             \
    ({                                                                \
        uint64_t value;                                               \
        __asm__ volatile("mov %%" #instruction ", %0" : "=r"(value)); \
        value;                                                        \
    })
#define WRITE(reg, value) __asm__ volatile("mov %0, %%" #reg ::"r"((uint64_t)(value)) : "memory")
#define READ_SELECTOR(instruction)                   \
    ({                                               \
        uint16_t value;                              \
        __asm__ volatile(instruction : "=r"(value)); \
        (uint64_t) value;                            \
    })

static uint64_t read_xcr0(void) {
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low | (uint64_t)high << 32;
}

static uint64_t ldt_limit(void) {
    uint32_t limit = 0;
    __asm__ volatile("lsl %1, %0" : "+r"(limit) : "r"((uint32_t)STATE_IN_LDT) : "cc");
    return limit;
}

static uint64_t read_register(enum state_register which) {
    struct state_table table;

    switch (which) {
    case STATE_CR0:
        return READ(cr0);
    case STATE_CR2:
        return READ(cr2);
    case STATE_CR3:
        return READ(cr3);
    case STATE_CR4:
        return READ(cr4);
    case STATE_DR0:
        return READ(db0);
    case STATE_DR1:
        return READ(db1);
    case STATE_DR2:
        return READ(db2);
    case STATE_DR3:
        return READ(db3);
    case STATE_DR6:
        return READ(db6);
    case STATE_DR7:
        return READ(db7);
    case STATE_DS:
        return READ_SELECTOR("mov %%ds, %0");
    case STATE_ES:
        return READ_SELECTOR("mov %%es, %0");
    case STATE_FS:
        return READ_SELECTOR("mov %%fs, %0");
    case STATE_GS:
        return READ_SELECTOR("mov %%gs, %0");
    case STATE_SS:
        return READ_SELECTOR("mov %%ss, %0");
    case STATE_LDTR:
        return READ_SELECTOR("sldt %0");
    case STATE_LDT_LIMIT:
        return ldt_limit();
    case STATE_TR:
        return READ_SELECTOR("str %0");
    case STATE_TSS_STACK:
        return state_tss_stack();
    case STATE_GDT_BASE:
    case STATE_GDT_LIMIT:
        __asm__ volatile("sgdt %0" : "=m"(table));
        return which == STATE_GDT_BASE ? table.base : table.limit;
    case STATE_IDT_BASE:
    case STATE_IDT_LIMIT:
        __asm__ volatile("sidt %0" : "=m"(table));
        return which == STATE_IDT_BASE ? table.base : table.limit;
    default:
        return 0;
    }
}

/* --- What there is --- */

static bool has(uint32_t leaf, char reg, unsigned bit) {
    uint32_t eax, ebx, ecx, edx;

    if (!__get_cpuid_count(leaf, 0, &eax, &ebx, &ecx, &edx))
        return false;
    return (reg == 'b' ? ebx : reg == 'c' ? ecx : edx) >> bit & 1;
}

void state_probe(struct state_place* place) {
    uint32_t row = 0, low, high, ebx, ecx;

    place->absent_msrs = 0;
#define ROW(name, number, present, starts_as_host, free_bits) \
    place->absent_msrs |= (uint32_t)!coop_##present() << row++;
    COOP_RESIDENT_MSRS(ROW)
    COOP_PASSAGE_MSRS(ROW)
#undef ROW

    /* VME PVI TSD DE PSE MCE PGE PCE OSXMMEXCPT, and what newer CPUs have. */
    place->cr4_bits = 0x5df;
    place->cr4_bits |= (uint64_t)has(1, 'c', 5) << 13 | (uint64_t)has(1, 'c', 6) << 14;  /* VMXE SMXE */
    place->cr4_bits |= (uint64_t)has(1, 'c', 17) << 17;                                  /* PCIDE */
    place->cr4_bits |= (uint64_t)has(7, 'c', 2) << 11 | (uint64_t)has(7, 'b', 0) << 16;  /* UMIP FSGSBASE */
    place->cr4_bits |= (uint64_t)has(7, 'b', 7) << 20 | (uint64_t)has(7, 'b', 20) << 21; /* SMEP SMAP */
    place->cr4_bits |= (uint64_t)has(7, 'c', 3) << 22;                                   /* PKE */
    /* B0-B3 BD BS BT, BLD, RTM. */
    place->dr6_bits = 0xe00f | (uint64_t)has(7, 'c', 24) << 11 | (uint64_t)has(7, 'b', 11) << 16;
    place->xcr0 = 0;
    if (has(1, 'c', 26)) {
        __cpuid_count(0xd, 0, low, ebx, ecx, high);
        place->xcr0 = low | (uint64_t)high << 32;
    }
}

uint64_t state_host_cr4_bits(void) {
    return (uint64_t)(has(7, 'c', 7) || has(7, 'd', 20)) << 23 | (uint64_t)has(7, 'c', 31)
                                                                     << 24; /* CET PKS */
}

static void fill_descriptor(uint64_t* at, uint64_t base, uint64_t bytes, uint64_t type) {
    at[0] = (bytes - 1) | (base & 0xffffff) << 16 | type << 40 | (base >> 24 & 0xff) << 56;
    at[1] = base >> 32;
}

void state_fill_tables(uint64_t* gdt, uint64_t* ldt, unsigned variant, uint64_t tss, uint64_t tss_stride) {
    const uint64_t code = 0x00af9b000000ffff, data = 0x00cf93000000ffff, small_data = 0x0040930000001000;

    gdt[2] = code;
    for (unsigned i = 3; i < STATE_TSS / 8; i++)
        gdt[i] = data;
    for (unsigned i = 0; i < 2; i++)
        fill_descriptor(&gdt[(STATE_TSS + STATE_TSS_STRIDE * i) / 8], tss + tss_stride * i, 0x68, 0x89);
    ldt[1] = small_data + variant;
    fill_descriptor(&gdt[STATE_LDT / 8], (uint64_t)ldt, 16, 0x82);
}

/* --- General registers --- */

void state_fill_gprs(struct state* state, struct state_gprs* gprs, uint64_t flag_bits) {
    for (unsigned i = 0; i < 16; i++)
        gprs->in[i] = state_random(state);
    gprs->flags_in = 2 | (state_random(state) & flag_bits);
}

bool state_verify_gprs(struct state* state, const struct state_gprs* gprs, uint32_t mask,
                       uint64_t flag_bits) {
    for (unsigned i = 0; i < 16; i++) {
        if ((mask >> i & 1) && gprs->in[i] != gprs->out[i]) {
            state->differs = STATE_FIRST_GPR + i;
            state->expected = gprs->in[i];
            state->found = gprs->out[i];
            return false;
        }
    }
    if (!((gprs->flags_in ^ gprs->flags_out) & flag_bits))
        return true;
    state->differs = STATE_RFLAGS;
    state->expected = gprs->flags_in & flag_bits;
    state->found = gprs->flags_out & flag_bits;
    return false;
}

/* --- Vector registers --- */

static void zero(void* at, uint64_t bytes) {
    uint64_t words = bytes / 8;
    __asm__ volatile("rep stosq" : "+D"(at), "+c"(words) : "a"(0) : "memory");
}

static void save_vectors(uint8_t* area, const struct state_place* place) {
    zero(area, STATE_XSAVE_BYTES);
    if (place->xcr0)
        __asm__ volatile("xsave64 (%0)" ::"r"(area), "a"(-1), "d"(-1) : "memory");
    else
        __asm__ volatile("fxsave64 (%0)" ::"r"(area) : "memory");
}

static void random_bytes(struct state* state, uint8_t* at, uint32_t bytes) {
    for (uint32_t i = 0; i < bytes; i += 8)
        *(uint64_t*)(at + i) = state_random(state);
}

static void fill_vectors(struct state* state, const struct state_place* place, uint64_t xcr0) {
    uint8_t* area = state->vectors_now;

    zero(area, STATE_XSAVE_BYTES);
    random_bytes(state, area, 416);
    *(uint16_t*)(area + 0) = 0x37f ^ (state_random(state) & 0xc00); /* FCW: rounding; exceptions masked */
    *(uint16_t*)(area + 2) = state_random(state) & 0x4700;          /* FSW: no exception pending */
    area[5] = 0;
    *(uint16_t*)(area + 6) &= 0x7ff; /* FOP */
    *(uint64_t*)(area + 8) = canonical(*(uint64_t*)(area + 8));
    *(uint64_t*)(area + 16) = canonical(*(uint64_t*)(area + 16));
    *(uint32_t*)(area + 24) &= 0xffbf; /* MXCSR without DAZ, which old CPUs lack */
    *(uint32_t*)(area + 28) = 0;
    if (!place->xcr0) {
        __asm__ volatile("fxrstor64 (%0)" ::"r"(area) : "memory");
    } else {
        for (uint32_t number = 2; number < 63; number++) {
            uint32_t size, offset, ecx, edx;

            if (!(xcr0 >> number & 1))
                continue;
            __cpuid_count(0xd, number, size, offset, ecx, edx);
            random_bytes(state, area + offset, size);
            if (number == 4) /* BNDCFGU: reserved bits, an address */
                *(uint64_t*)(area + offset) = canonical(*(uint64_t*)(area + offset)) & ~0xffcull;
            if (number == 9) /* PKRU */
                *(uint64_t*)(area + offset) &= 0xffffffff;
        }
        *(uint64_t*)(area + 512) = xcr0;
        __asm__ volatile("xrstor64 (%0)" ::"r"(area), "a"(-1), "d"(-1) : "memory");
    }
    /* What the machine makes of it. */
    save_vectors(state->vectors, place);
}

/* A valid choice (SDM 1 13.3). */
static uint64_t random_xcr0(struct state* state, uint64_t all) {
    uint64_t wanted = state_random(state) & all;

    if ((wanted & XCR0_MPX) != XCR0_MPX)
        wanted &= ~(uint64_t)XCR0_MPX;
    if (wanted & XCR0_AVX512)
        wanted |= XCR0_AVX512 & all;
    if (wanted & XCR0_AVX512)
        wanted |= XCR0_AVX;
    if (wanted & XCR0_AVX)
        wanted |= XCR0_SSE;
    wanted &= XCR0_X87 | XCR0_SSE | XCR0_AVX | XCR0_MPX | XCR0_AVX512 | XCR0_PKRU;
    return wanted | XCR0_X87;
}

/* --- Segments and tables --- */

static uint16_t random_selector(struct state* state, bool ldt) {
    uint64_t dice = state_random(state) >> 32;

    switch (dice % 4) {
    case 0:
        return (uint16_t)(dice >> 8 & 3); /* null, with any RPL */
    case 1:
        return ldt ? STATE_IN_LDT : 0x18;
    default:
        return (uint16_t)(0x18 + (dice >> 8 & 3) * 8);
    }
}

static void fill_segments(struct state* state, const struct state_place* place) {
    const unsigned variant = state->variant = state_random(state) >> 40 & 1;
    const bool ldt = state_random(state) >> 40 & 1;
    const uint16_t tr = (uint16_t)(STATE_TSS + STATE_TSS_STRIDE * (state_random(state) >> 40 & 1));
    uint64_t* descriptor = (uint64_t*)(place->gdt[variant].base + tr);

    __asm__ volatile("lgdt %0; lidt %1" ::"m"(place->gdt[variant]), "m"(place->idt[variant]));
    *descriptor &= ~(2ull << 40); /* busy */
    __asm__ volatile("ltr %0" ::"r"(tr) : "memory");
    __asm__ volatile("lldt %0" ::"r"((uint16_t)(ldt ? STATE_LDT : 0)));
    __asm__ volatile("mov %0, %%ds" ::"r"((uint32_t)random_selector(state, ldt)));
    __asm__ volatile("mov %0, %%es" ::"r"((uint32_t)random_selector(state, ldt)));
    __asm__ volatile("mov %0, %%fs" ::"r"((uint32_t)random_selector(state, ldt)));
    __asm__ volatile("mov %0, %%gs" ::"r"((uint32_t)random_selector(state, ldt)));
}

/* --- All --- */

/* CR0, CR3 and CR4, which depend on each other (SDM 3A 2.5, 4.10.1). */
static void fill_control(struct state* state, const struct state_place* place) {
    const uint64_t root = place->cr3[state_random(state) >> 40 & 1];
    uint64_t cr0 = (READ(cr0) & ~place->cr0_bits) | (state_random(state) & place->cr0_bits);
    uint64_t cr4 = (READ(cr4) & ~place->cr4_bits) | (state_random(state) & place->cr4_bits);

    if (!(cr0 & CR0_CD))
        cr0 &= ~(uint64_t)CR0_NW;
    if (!(cr0 & CR0_WP))
        cr4 &= ~(uint64_t)CR4_CET;
    if (cr4 & CR4_PCIDE) /* no host has the one without the other */
        cr4 |= CR4_PGE;
    const uint64_t cr3 = root | (state_random(state) & (cr4 & CR4_PCIDE ? place->pcids : CR3_PWT_PCD));
    if (READ(cr4) & (CR4_PCIDE | CR4_CET))
        WRITE(cr4, READ(cr4) & ~(uint64_t)(CR4_PCIDE | CR4_CET));
    WRITE(cr3, cr4 & CR4_PCIDE ? root : cr3);
    WRITE(cr0, cr0 & ~(uint64_t)(CR0_EM | CR0_TS));
    WRITE(cr4, cr4 | (place->cr4_bits & CR4_OSXSAVE));
    if (cr4 & CR4_PCIDE)
        WRITE(cr3, cr3);
}

/* What would stop the vector instructions, where a world may have it: last and first. EM and OSXSAVE seldom,
 * since QEMU translates anew for each kind of CR0 and CR4. */
static void stop_vectors(struct state* state, const struct state_place* place) {
    const uint64_t bits = state_random(state);
    const bool seldom = bits >> 60 == 0;
    const uint64_t cr0 = bits & place->cr0_bits & (seldom ? CR0_EM | CR0_TS : CR0_TS);

    if (seldom && (place->cr4_bits & CR4_OSXSAVE))
        WRITE(cr4, READ(cr4) & ~(bits & CR4_OSXSAVE));
    if (cr0)
        WRITE(cr0, READ(cr0) | cr0);
}
static void open_vectors(const struct state_place* place) {
    if (place->cr0_bits & (CR0_EM | CR0_TS))
        WRITE(cr0, READ(cr0) & ~(place->cr0_bits & (CR0_EM | CR0_TS)));
    if (place->cr4_bits & ~READ(cr4) & CR4_OSXSAVE)
        WRITE(cr4, READ(cr4) | CR4_OSXSAVE);
}

static uint64_t random_dr7(struct state* state) {
    uint64_t value = 0x400 | (state_random(state) & 0x3ff);

    for (unsigned i = 0; i < 4; i++) {
        uint64_t dice = state_random(state) >> 32;
        uint64_t kind = dice & 3;
        /* Execution (length 1), write, access; not I/O. */
        uint64_t bits = kind == 0 || kind == 2 ? 0 : kind | (dice >> 2 & 3) << 2;

        value |= bits << (16 + 4 * i);
    }
    return value;
}

static uint64_t random_breakpoint(struct state* state) {
    return 0xffffa00000000000 | (state_random(state) & 0xffffffff8); /* nothing is there in either world */
}

void state_fill(struct state* state, const struct state_place* place) {
    fill_segments(state, place);
    fill_control(state, place);
    WRITE(cr2, state_random(state));
    WRITE(db7, 0x400);
    WRITE(db0, random_breakpoint(state));
    WRITE(db1, random_breakpoint(state));
    WRITE(db2, random_breakpoint(state));
    WRITE(db3, random_breakpoint(state));
    WRITE(db6, DR6_IDLE ^ (state_random(state) & place->dr6_bits));
    WRITE(db7, random_dr7(state));
    for (uint32_t i = 0; i < state_msr_count; i++) {
        uint64_t bits = state_random(state);

        if (place->absent_msrs >> i & 1)
            continue;
        if (msrs[i].free_bits == COOP_MSR_ADDRESS)
            bits = canonical(bits);
        else
            bits = (read_msr(msrs[i].number) & ~msrs[i].free_bits) | (bits & msrs[i].free_bits);
        write_msr(msrs[i].number, bits);
    }
    uint64_t xcr0 = 0;
    if (place->xcr0) {
        xcr0 = random_xcr0(state, place->xcr0);
        __asm__ volatile("xsetbv" ::"c"(0), "a"((uint32_t)xcr0), "d"((uint32_t)(xcr0 >> 32)) : "memory");
    }
    fill_vectors(state, place, xcr0);
    stop_vectors(state, place);

    for (unsigned i = 0; i < STATE_RFLAGS; i++)
        state->value[i] = read_register(i);
    state->value[STATE_XCR0] = xcr0;
    for (uint32_t i = 0; i < state_msr_count; i++)
        state->value[STATE_FIRST_MSR + i] = place->absent_msrs >> i & 1 ? 0 : read_msr(msrs[i].number);
}

static bool same(struct state* state, unsigned which, uint64_t found) {
    if (state->value[which] == found)
        return true;
    state->differs = which;
    state->expected = state->value[which];
    state->found = found;
    return false;
}

bool state_verify(struct state* state, const struct state_place* place) {
    for (unsigned i = 0; i < STATE_RFLAGS; i++) {
        if (i != STATE_XCR0 && !same(state, i, read_register(i)))
            return false;
    }
    open_vectors(place);
    if (!same(state, STATE_XCR0, place->xcr0 ? read_xcr0() : 0))
        return false;
    for (uint32_t i = 0; i < state_msr_count; i++) {
        if (!(place->absent_msrs >> i & 1) && !same(state, STATE_FIRST_MSR + i, read_msr(msrs[i].number)))
            return false;
    }
    save_vectors(state->vectors_now, place);
    for (unsigned i = 0; i < STATE_XSAVE_BYTES; i++) {
        state->value[STATE_VECTORS] = i;
        if (state->vectors[i] != state->vectors_now[i])
            return same(state, STATE_VECTORS, ~(uint64_t)i);
    }
    return true;
}
