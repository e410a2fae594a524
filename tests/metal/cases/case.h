/* SPDX-License-Identifier: GPL-2.0-only */
/* What a case is made of: checks, and a guest with one run of RAM (guest.h has its layout). */
#ifndef METAL_CASE_H
#define METAL_CASE_H

#include "../guests/guest.h"
#include "../host/metal.h"

/* A case says nothing when it passes. They are all in cases.def: void case_NAME(void). */
typedef void metal_case(void);
#define CASE(name) metal_case case_##name;
#define CASE_OF_QEMU(name) metal_case case_##name;
#define CASE_OF_ICOUNT(name) metal_case case_##name;
#define CASE_OF_TWO(name) metal_case case_##name;
#include "cases.def"
#undef CASE
#undef CASE_OF_QEMU
#undef CASE_OF_ICOUNT
#undef CASE_OF_TWO

/* Notes the failure and lets the case go on, so that it cleans up. */
#define CHECK(condition) ((condition) ? (void)0 : metal_fail(__FILE__, __LINE__, #condition))
#define CHECK_EQUAL(a, b) metal_check_equal(__FILE__, __LINE__, #a " = " #b, (uint64_t)(a), (uint64_t)(b))
void metal_fail(const char* file, int line, const char* what);
void metal_check_equal(const char* file, int line, const char* what, uint64_t a, uint64_t b);
bool metal_failed(void);
/* The case cannot ask its question on this machine; it returns then. */
void metal_skip(const char* why);
/* Why it could not, once; NULL if it did. */
const char* metal_skipped(void);

struct metal_guest {
    struct coop_guest* guest;
    uint8_t* ram; /* the run, in the host's address space */
    uint64_t gpa;
    volatile uint64_t* parameters;
    struct coop_vcpu_page* page;
    bool started;
    struct coop_run run;
    int status; /* of the last coop_guest_run */
};

/* The guest's code, as guest.inc frames it. */
#define GUEST(name)                                                            \
    ({                                                                         \
        extern const char metal_guest_##name[], metal_guest_##name##_end[];    \
        metal_guest_make(#name, metal_guest_##name, metal_guest_##name##_end); \
    })

/* Creates the guest; ends the emulator on failure. Owner: caller, metal_guest_end. */
struct metal_guest metal_guest_make(const char* name, const char* code, const char* code_end);
/* Starts it, unless it is; ends the emulator on failure. */
void metal_guest_start(struct metal_guest* guest);
/* Starts it if need be, and runs it until it ends or a signal is pending; returns the end's reason or 0. */
uint32_t metal_guest_run(struct metal_guest* guest);
struct coop_stats metal_guest_stats(const struct metal_guest* guest);
/* Destroys it, and adds its counters to the run's figures. */
void metal_guest_end(struct metal_guest* guest);

/* Adds to the run's figures: how often guests have verified all their registers. */
void metal_count_verified(uint64_t rounds);

/* Page tables in a guest that has run (own_tables.c); returns their root. alias: in the last two gigabytes.
 */
uint64_t metal_own_tables(struct metal_guest* guest, uint64_t alias, bool passage);

/* Calls back once after so many nanoseconds, from interrupt context. Owner: caller, coop_host_timer_destroy.
 */
struct coop_host_timer* metal_after(uint64_t ns, void (*callback)(void*), void* context);

/* A reproducible sequence for each CPU (xorshift64*, never the same for two seeds), and what it began with.
 */
uint64_t metal_random(void);
void metal_random_seed(uint64_t seed);
uint64_t metal_seed(void);

#endif
