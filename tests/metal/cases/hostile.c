// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guests that break what the next switch or interrupt needs, and are contained: each ends with a reason, no
 * register of the host's has changed, and the state test's guest goes on beside it. docs/threat-model.md
 * lists what cannot be contained; fatal.py shows that.
 */
#include "arch/x86_64/passage_layout.h"
#include "control_registers.h"
#include "state_session.h"

enum { GENERAL_PROTECTION = 13, PAGE_FAULT = 14, STACK_FAULT = 12, DEBUG = 1, ROUNDS = 200 };
#define NOWHERE 0x700000001000ull        /* canonical, not mapped */
#define NO_ADDRESS 0x8000000000001000ull /* not canonical */

struct row {
    struct metal_guest (*make)(void);
    uint64_t count, argument;
    uint32_t end;
    uint64_t detail;
    bool event; /* raise one once it runs */
};

#define MAKE(name)                                \
    static struct metal_guest make_##name(void) { \
        return GUEST(name);                       \
    }
MAKE(load_cr3)
MAKE(no_idt)
MAKE(bad_gate)
MAKE(idt_elsewhere)
MAKE(gdt_register)
MAKE(gdt_entry)
MAKE(task_register)
MAKE(breakpoint)
MAKE(single_step)
MAKE(single_step_on)
MAKE(stack_at_doorbell)
MAKE(stack_at_interrupt)
MAKE(wild_upcall)

#define ROW(name, count, argument, end, detail) \
    { make_##name, count, argument, end, detail, false }
#define EVENT_ROW(name, count, argument, end, detail) \
    { make_##name, count, argument, end, detail, true }

/* Ordinary interrupts of the host's during a stay, so that a guest that spins comes back. */
enum { VECTOR_BEAT = 0x44 };
static bool beating;
static void arm_beat(void) {
    metal_apic_arm(VECTOR_BEAT, (uint32_t)metal_apic_khz() / 20);
}
static void beat(struct metal_frame* frame) {
    (void)frame;
    metal_apic_end();
    if (beating)
        arm_beat();
}
static void begin_beat(void* unused) {
    (void)unused;
    beating = true;
    arm_beat();
}
static void end_beat(void* unused) {
    (void)unused;
    beating = false;
    metal_apic_arm(VECTOR_BEAT, 0);
}

/* Until the guest has ended, or for that many stays. */
static bool stay(struct metal_guest* guest, unsigned rounds, bool event) {
    for (unsigned i = 0; i < rounds; i++) {
        if (event && i == rounds / 2)
            CHECK_EQUAL(coop_guest_event(guest->guest, COOP_EVENT_POWER_BUTTON), 0);
        if (!metal_state_stay(guest, begin_beat, NULL, end_beat))
            return false;
        if (guest->status == 0)
            break;
    }
    return true;
}

/* QEMU takes a stack fault for a general protection. */
static bool is_detail(const struct row* row, uint64_t detail) {
    return detail == row->detail ||
           (row->detail == STACK_FAULT && detail == GENERAL_PROTECTION && !metal_option("bochs", 0));
}

static void contain(const struct row* rows, size_t count) {
    struct metal_guest neighbour = metal_state_begin(metal_seed());
    bool good = true;

    metal_handle(VECTOR_BEAT, beat);
    for (size_t i = 0; good && i < count; i++) {
        struct metal_guest guest = rows[i].make();

        guest.parameters[PARAM_COUNT / 8] = rows[i].count;
        guest.parameters[PARAM_ARGUMENT / 8] = rows[i].argument;
        good = stay(&guest, ROUNDS, rows[i].event);
        if (guest.status || guest.run.end != rows[i].end || !is_detail(&rows[i], guest.run.detail)) {
            metal_print("# row %u: status %d end %u detail %u rip %x\n", i, (int64_t)guest.status,
                        (uint64_t)guest.run.end, guest.run.detail, guest.run.rip);
            CHECK(!"contained as the row says");
        }
        metal_guest_end(&guest);
        good = good && metal_state_round(&neighbour, NULL, NULL, NULL) &&
               metal_state_round(&neighbour, NULL, NULL, NULL);
    }
    CHECK(good);
    metal_state_end(&neighbour);
}
#define CONTAIN(...)                                    \
    do {                                                \
        static const struct row rows[] = {__VA_ARGS__}; \
        contain(rows, sizeof(rows) / sizeof(rows[0]));  \
    } while (0)

void case_bad_tables(void) {
    /* QEMU looks neither at the reserved bits nor at the address. */
    if (metal_option("bochs", 0))
        CONTAIN(ROW(load_cr3, 0, 1ull << 51, COOP_END_EXCEPTION, GENERAL_PROTECTION),
                ROW(idt_elsewhere, 0, NO_ADDRESS, COOP_END_EXCEPTION, GENERAL_PROTECTION));
    CONTAIN(ROW(no_idt, 0, 0, COOP_END_BAD_STATE, GENERAL_PROTECTION),
            ROW(idt_elsewhere, 0, NOWHERE, COOP_END_BAD_STATE, PAGE_FAULT),
            /* NMI's gate: not present, a trap's, another selector, to elsewhere; and that of #MC. */
            ROW(bad_gate, 2 * 16 + 5, 0x80, COOP_END_BAD_STATE, GENERAL_PROTECTION),
            ROW(bad_gate, 2 * 16 + 5, 0x01, COOP_END_BAD_STATE, GENERAL_PROTECTION),
            ROW(bad_gate, 2 * 16 + 2, 0x08, COOP_END_BAD_STATE, GENERAL_PROTECTION),
            ROW(bad_gate, 2 * 16 + 0, 0x10, COOP_END_BAD_STATE, GENERAL_PROTECTION),
            ROW(bad_gate, 2 * 16 + 7, 0x01, COOP_END_BAD_STATE, GENERAL_PROTECTION),
            ROW(bad_gate, 2 * 16 + 11, 0x80, COOP_END_BAD_STATE, GENERAL_PROTECTION),
            ROW(bad_gate, 18 * 16 + 5, 0x80, COOP_END_BAD_STATE, GENERAL_PROTECTION),
            ROW(bad_gate, 18 * 16 + 8, 0x01, COOP_END_BAD_STATE, GENERAL_PROTECTION),
            /* GDT: no limit, a limit before its data segment, not there. */
            ROW(gdt_register, 0, 0, COOP_END_BAD_STATE, GENERAL_PROTECTION),
            ROW(gdt_register, 0x17, 0, COOP_END_BAD_STATE, GENERAL_PROTECTION),
            ROW(gdt_register, 0xff, NOWHERE, COOP_END_BAD_STATE, PAGE_FAULT),
            /* Its code segment: none, not present, of ring 3, 32-bit, data. */
            ROW(gdt_entry, 0x10, 0, COOP_END_BAD_STATE, GENERAL_PROTECTION),
            ROW(gdt_entry, 0x10, 0x00af1b000000ffff, COOP_END_BAD_STATE, GENERAL_PROTECTION),
            ROW(gdt_entry, 0x10, 0x00affb000000ffff, COOP_END_BAD_STATE, GENERAL_PROTECTION),
            ROW(gdt_entry, 0x10, 0x00cf9b000000ffff, COOP_END_BAD_STATE, GENERAL_PROTECTION),
            ROW(gdt_entry, 0x10, 0x00cf93000000ffff, COOP_END_BAD_STATE, GENERAL_PROTECTION),
            /* Its stack segment: none, read-only, code. */
            ROW(gdt_entry, 0x18, 0, COOP_END_BAD_STATE, GENERAL_PROTECTION),
            ROW(gdt_entry, 0x18, 0x00cf91000000ffff, COOP_END_BAD_STATE, GENERAL_PROTECTION),
            ROW(gdt_entry, 0x18, 0x00af9b000000ffff, COOP_END_BAD_STATE, GENERAL_PROTECTION),
            /* What TR and LDTR name: code. */
            ROW(gdt_entry, 0x40, 0x00af9b000000ffff, COOP_END_BAD_STATE, GENERAL_PROTECTION),
            ROW(gdt_entry, 0x80, 0x00af9b000000ffff, COOP_END_BAD_STATE, GENERAL_PROTECTION),
            /* TR where the passage has no room for it. */
            ROW(task_register, 0x8, 0, COOP_END_BAD_STATE, 0),
            ROW(task_register, 0x43, 0, COOP_END_BAD_STATE, 0),
            ROW(task_register, 0x100, 0, COOP_END_BAD_STATE, 0));
}

/* The host has PCIDs, and is under another than 0; the guest turns them off for itself. */
void case_pcide_cleared(void) {
    const uint64_t cr3 = read_cr3(), cr4 = read_cr4();

    if (!has_pcid()) {
        metal_skip("no PCIDs");
        return;
    }
    write_cr4(cr4 | CR4_PCIDE);
    write_cr3((cr3 & CR3_ADDRESS) | 1);
    struct metal_guest guest = GUEST(clear_cr4);
    guest.parameters[PARAM_ARGUMENT / 8] = CR4_PCIDE;
    metal_signal(true);
    for (unsigned i = 0; i < 20; i++) {
        CHECK_EQUAL(metal_guest_run(&guest), 0);
        CHECK_EQUAL(read_cr3() & CR3_PCID, 1);
        CHECK(read_cr4() & CR4_PCIDE);
    }
    CHECK_EQUAL(guest.parameters[PARAM_RESULT / 8], 20);
    CHECK_EQUAL(guest.parameters[PARAM_EVENTS / 8] & CR4_PCIDE, 0);
    metal_guest_end(&guest);
    write_cr3(cr3 & CR3_ADDRESS);
    write_cr4(cr4);
    write_cr3(cr3);
}

/* The host's interrupt is not lost with a guest whose watch fires on the way out. */
static void watch_interrupt(void) {
    struct metal_guest guest = GUEST(watched_interrupt);

    guest.parameters[PARAM_COUNT / 8] = 0x90402;
    guest.parameters[PARAM_ARGUMENT / 8] = GUEST_VCPU_DATA + PASSAGE_GUEST + WORLD_CR3;
    CHECK(stay(&guest, ROUNDS, false));
    CHECK_EQUAL(guest.status, 0);
    CHECK_EQUAL(guest.run.end, COOP_END_BAD_STATE);
    CHECK_EQUAL(guest.run.detail, DEBUG);
    CHECK_EQUAL(metal_guest_stats(&guest).interrupts_forwarded, 1);
    metal_guest_end(&guest);
}

void case_debugging(void) {
    struct metal_guest state = metal_state_begin(1);

    metal_handle(VECTOR_BEAT, beat);
    watch_interrupt();
    for (unsigned i = 0; i < 3; i++)
        CHECK(metal_state_round(&state, NULL, NULL, NULL));
    metal_state_end(&state);
    CONTAIN(
        /* Execution of the doorbell; writes to what the passage saves, before and after its IDT is loaded. */
        ROW(breakpoint, 0x402, COOP_PASSAGE_VA + COOP_PASSAGE_DOORBELL, COOP_END_BAD_STATE, DEBUG),
        ROW(breakpoint, 0x90402, GUEST_VCPU_DATA + PASSAGE_VECTOR, COOP_END_BAD_STATE, DEBUG),
        ROW(breakpoint, 0x90402, GUEST_VCPU_DATA + PASSAGE_GUEST + WORLD_CR3, COOP_END_BAD_STATE, DEBUG),
        ROW(single_step, 0, 0, COOP_END_EXCEPTION, DEBUG),
        ROW(single_step_on, 0, 0, COOP_END_BAD_STATE, DEBUG));
}

void case_stack_gone(void) {
    CONTAIN(ROW(stack_at_doorbell, 0, NO_ADDRESS, COOP_END_EXCEPTION, STACK_FAULT),
            ROW(stack_at_doorbell, 0, NOWHERE, COOP_END_EXCEPTION, PAGE_FAULT),
            /* Interrupts have stacks of their own; an event needs the guest's. */
            EVENT_ROW(stack_at_interrupt, 0, NO_ADDRESS, COOP_END_BAD_STATE, GENERAL_PROTECTION),
            EVENT_ROW(stack_at_interrupt, 0, NOWHERE, COOP_END_BAD_STATE, PAGE_FAULT),
            EVENT_ROW(wild_upcall, 0, NO_ADDRESS, COOP_END_BAD_STATE, GENERAL_PROTECTION),
            EVENT_ROW(wild_upcall, 0, NOWHERE, COOP_END_PANIC, 0));
}

static uint64_t storms;
static void count_storm(struct metal_frame* frame) {
    (void)frame;
    storms++;
}

/* The host's handler runs for each, and the guest never holds the CPU. */
static void storm(struct metal_guest guest, uint32_t vector) {
    struct metal_guest neighbour = metal_state_begin(metal_seed());
    metal_handler* before = metal_handle(vector, count_storm);
    bool good = true;

    storms = 0;
    for (unsigned i = 0; good && i < ROUNDS; i++) {
        good = metal_state_stay(&guest, NULL, NULL, NULL);
        const uint64_t mine = storms;
        good = good && (i % 8 || metal_state_round(&neighbour, NULL, NULL, NULL));
        storms = mine; /* the neighbour leaves by that vector too */
    }
    CHECK(good);
    CHECK(storms >= ROUNDS - 10);
    CHECK_EQUAL(storms,
                metal_guest_stats(&guest).interrupts_forwarded + metal_guest_stats(&guest).nmis_forwarded);
    metal_handle(vector, before);
    metal_state_end(&neighbour);
    metal_guest_end(&guest);
}

void case_storms(void) {
    storm(GUEST(int_storm), VECTOR_TEST);
    storm(GUEST(int_nmi_storm), VECTOR_NMI);
}

void case_flood(void) {
    struct metal_guest neighbour = metal_state_begin(metal_seed()), guest = GUEST(flood);
    bool good = true;

    guest.parameters[PARAM_ARGUMENT / 8] = metal_random();
    for (unsigned i = 0; good && i < 2000; i++) {
        good = metal_state_stay(&guest, NULL, NULL, NULL) &&
               (i % 64 || metal_state_round(&neighbour, NULL, NULL, NULL));
    }
    CHECK(good);
    CHECK_EQUAL(guest.status, -COOP_E_INTERRUPTED);
    CHECK(guest.parameters[PARAM_EVENTS / 8] > 0);
    for (unsigned reason = COOP_DOORBELL_TIMER; reason < 16; reason++) {
        if (reason != COOP_DOORBELL_END)
            CHECK(metal_guest_stats(&guest).doorbells[reason] > 0);
    }
    metal_state_end(&neighbour);
    metal_guest_end(&guest);
}

static void watch(void* unused) {
    (void)unused;
    for (;;) {
        coop_core_watchdog();
        metal_delay_us(1000);
    }
}

/* Never returns: fatal.py looks at what becomes of the machine. */
void case_fatal(void) {
    enum { WAY_PASSAGE_UNMAPPED = 9 };
    struct metal_guest guest = GUEST(fatal);
    const uint64_t way = metal_option("way", 0);

    guest.parameters[PARAM_COUNT / 8] = way;
    metal_handle(VECTOR_BEAT, beat);
    metal_signal(true);
    CHECK_EQUAL(metal_guest_run(&guest), 0);
    metal_signal(false);
    if (way == WAY_PASSAGE_UNMAPPED)
        guest.parameters[PARAM_ARGUMENT / 8] = metal_own_tables(&guest, guest.gpa, false);
    if (metal_smp())
        metal_smp_call(watch, NULL);
    metal_print("# the guest runs\n");
    begin_beat(NULL);
    metal_guest_run(&guest);
    metal_print("# contained: end %u detail %u\n", (uint64_t)guest.run.end, guest.run.detail);
    metal_guest_end(&guest);
}
