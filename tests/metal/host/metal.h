/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The metal host: what its files share and what test cases may use. It is a kernel with one thread for each
 * CPU, so that nothing ever needs a scheduler: waiting is HLT, a mutex spins, and "a signal is pending" is a
 * flag that a case sets.
 */
#ifndef METAL_H
#define METAL_H

#include "coop/core.h"
#include "layout.h"

enum { METAL_MAX_CPUS = 2, PAGE_BYTES = 4096, LARGE_PAGE_BYTES = 2 << 20 };

/* Vectors. VECTOR_TEST and VECTOR_TEST_IST are never sent by the APIC: a guest's or the host's INT raises
 * them. */
enum {
    VECTOR_NMI = 2,
    VECTOR_UNDEFINED = 6,
    VECTOR_MACHINE_CHECK = 18,
    VECTOR_TIMER = 0x40,
    VECTOR_KICK = 0x41,
    VECTOR_TEST = 0x42,
    VECTOR_TEST_IST = 0x43,
    VECTOR_SPURIOUS = 0xff,
};

/* --- console.c: the serial port, and the way out. Context: any --- */
/* %s %d %u %x (all of them 64 bits wide), %% only. */
void metal_print(const char* format, ...);
/* Ends the emulator. */
void metal_exit(bool passed) __attribute__((noreturn));
/* Says why, with the CPU's state, and ends the emulator. */
void metal_panic(const char* why) __attribute__((noreturn));

/* --- loader.c: what the boot loader tells --- */
void metal_loader_init(void);
/* The value of NAME=VALUE on the command line, or otherwise. */
uint64_t metal_option(const char* name, uint64_t otherwise);
/* Whether word is on the command line; *any tells whether a word without '=' is. */
bool metal_word(const char* word, bool* any);
/* Bytes of usable RAM from the image's start on without a hole. */
uint64_t metal_ram_end(void);

/* --- frames.c: physical memory --- */
void metal_frames_init(uint64_t end);
/* Zeroed frames, aligned to align pages; 0 if there are none. */
uint64_t metal_frames_take(uint64_t pages, uint64_t align);
void metal_frames_give(uint64_t phys, uint64_t pages);
uint64_t metal_frames_taken(void);
static inline void* metal_va(uint64_t phys) {
    return (void*)(DIRECT_MAP + phys);
}

/* --- descriptors.c, vectors.S: GDT, IDT, TSS --- */
enum { FIRST_TSS = 0x40, TSS_COUNT = 4, SPARE_DATA = 0x20, SPARE_DATA_COUNT = 3, LDT_SELECTOR = 0x80 };
struct metal_table {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));
struct metal_tss {
    uint32_t reserved0;
    uint64_t rsp[3], reserved1, ist[7];
    uint8_t reserved2[10];
    uint16_t io_map;
} __attribute__((packed));
enum { IST_NMI = 1, IST_MACHINE_CHECK = 2, IST_FAULT = 3, IST_TEST = 4, IST_BYTES = 2048 };
void metal_descriptors_init(void);
/* This CPU's GDT, IDT, TSS and selectors. */
void metal_descriptors_load(uint32_t cpu);
void metal_load_tss(uint32_t index);
extern struct metal_tss metal_tss[TSS_COUNT];
extern uint64_t metal_gdt[32];
extern uint64_t metal_idt[256][2];

/* --- interrupts.c --- */
struct metal_frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rdx, rcx, rbx, rax;
    uint64_t vector, error, rip, cs, rflags, rsp, ss;
};
typedef void metal_handler(struct metal_frame* frame);
/* For a vector of 32 or more, NMI or machine check; returns the one before. Interrupts off in it. */
metal_handler* metal_handle(uint32_t vector, metal_handler* handler);
/* How often the vector came, on all CPUs. */
uint64_t metal_count(uint32_t vector);
uint64_t metal_count_on(uint32_t cpu, uint32_t vector);

/* --- apic.c: the local APIC --- */
void metal_apic_init(void);
void metal_apic_end(void);
/* The timer: one interrupt after ticks at its full rate; 0 stops it. vector may carry a delivery mode. */
void metal_apic_arm(uint32_t lvt, uint32_t ticks);
/* What is left of its count. */
uint32_t metal_apic_timer_left(void);
/* The low word of an interrupt command to the CPU. */
void metal_apic_send(uint32_t cpu, uint32_t command);
enum { APIC_NMI = 0x400, APIC_INIT = 0x500, APIC_STARTUP = 0x600, APIC_ASSERT = 0x4000 };
/* Whether this CPU will take the vector when it enables interrupts. */
bool metal_apic_requested(uint32_t vector);
/* Whether a vector waits for its end-of-interrupt. */
bool metal_apic_in_service(void);

/* --- clock.c: TSC and timer rates, measured against the PIT --- */
void metal_clock_init(void);
uint64_t metal_tsc_khz(void);
uint64_t metal_apic_khz(void);
static inline uint64_t metal_tsc(void) {
    return __builtin_ia32_rdtsc();
}
void metal_delay_us(uint64_t microseconds);

/* --- cpu.c --- */
uint32_t metal_this_cpu(void);

/* --- thread.c --- */
/* From now on waiting and yielding say that the thread should return to user space; until cleared. As if it
 * had yielded since: entering a guest goes on. */
void metal_signal(bool pending);
/* The same as it happens to a thread that has not yielded since: a critical section has an interrupt pending,
 * until it does. */
void metal_signal_arrives(void);
bool metal_signal_unseen(void);

/* --- notifier.c --- */
struct coop_host_notifier* metal_notifier_create(void);
uint64_t metal_notifier_signals(const struct coop_host_notifier* notifier);

/* --- memory.c: objects not given back: memory, timers, events … --- */
uint64_t metal_heap_objects(void);
/* Refuses the core's request for memory of that number from now on: heap, pages or RAM, so timers and events
 * too. refused: whether it has come to that. */
void metal_refuse(uint64_t number);
bool metal_refused(void);

/* --- smp.c --- */
/* Starts the second CPU. False if the machine has none. */
bool metal_smp_start(void);
bool metal_smp(void);
/* Takes it offline, where it hears of nothing but another start. */
void metal_smp_stop(void);
/* Where boot.S hands a CPU over. */
extern void (*metal_cpu_entry)(void);
/* Lets the second CPU call the function once, or wait until it has done so. Context: interrupts on. */
void metal_smp_call(void (*function)(void*), void* argument);
void metal_smp_wait(void);

/* --- main.c: control-register bits and XCR0 of this CPU --- */
void metal_cpu_features(void);

/* --- cases --- */
int metal_run_cases(void);

/* --- runtime.c, for the compiler and the core --- */
void* memcpy(void* to, const void* from, size_t bytes);
void* memmove(void* to, const void* from, size_t bytes);
void* memset(void* to, int byte, size_t bytes);
int memcmp(const void* a, const void* b, size_t bytes);

#endif
