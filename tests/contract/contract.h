/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The contract suite: what coop/host.h promises, as checks that any host can run. Each case needs that
 * header, a thread that may sleep, and what its environment supplies below; no C library. They are all in
 * contract.def: void contract_NAME(void), in NAME.c. A case says nothing when it passes, leaves nothing
 * behind, and takes less than a second of the host's time.
 */
#ifndef COOP_CONTRACT_H
#define COOP_CONTRACT_H

#include "coop/host.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CONTRACT_CASE(name) void contract_##name(void);
#include "contract.def"
#undef CONTRACT_CASE

/* Notes the failure and lets the case go on, so that it cleans up. */
#define CONTRACT_CHECK(condition) ((condition) ? (void)0 : contract_fail(__FILE__, __LINE__, #condition))

/* --- Supplied by the environment --- */

/* A check failed. Context: any. */
void contract_fail(const char* file, int line, const char* what);

/* CPU numbers are below this; and the current one's. */
uint32_t contract_cpus(void);
uint32_t contract_this_cpu(void);
/* Whether the current CPU takes no interrupts (x86: RFLAGS.IF). */
bool contract_interrupts_off(void);
/* Whether an interrupt such as coop_host_kick sends waits for this CPU (x86: the APIC's IRR). */
bool contract_interrupt_pending(void);
/* Whether the host has coop_host_kick_nmi, which it need not. */
bool contract_kicks_by_nmi(void);
/* NMIs that this CPU has taken, and no other. Only where they can be sent. */
uint64_t contract_nmis(uint32_t cpu);

/* A byte of physical memory, by another way than the contract's. */
const volatile uint8_t* contract_at(uint64_t phys);
/* Whether coop_host_phys also knows the suite's own text and data. */
bool contract_in_image(void);

/*
 * A second thread, on another CPU than the first and at the same time; false if there can be none. One at a
 * time. join waits for the function's end; it may only be called after a start that was true.
 */
bool contract_thread_start(void (*function)(void* argument), void* argument);
void contract_thread_join(void);

/* From now on the calling thread should return to user space; or should no longer. */
void contract_signal(bool pending);
/* From now until its join the second thread should return to user space, whatever it does. Context: the first
 * thread. */
void contract_signal_second(void);

/*
 * A thread becomes due on the calling thread's CPU and waits there, on no other, for it to yield; false if
 * the host has no such, since it has one thread for each CPU or switches at once. One at a time. ran: whether
 * it had its turn; context: any. join yields until it has; only after a start that was true.
 */
bool contract_rival_start(void);
bool contract_rival_ran(void);
void contract_rival_join(void);

/* A notifier as a shim hands it to the core. Owner: caller, coop_host_notifier_release; at most one. NULL:
 * failed. */
struct coop_host_notifier* contract_notifier_open(void);
/* Whether its user-space side was woken since the last call. */
bool contract_notifier_woken(struct coop_host_notifier* notifier);

/* --- Shared by the cases (support.c) --- */

#define CONTRACT_MS 1000000ull
/* Longer than any right host takes for a short thing; then a check fails. */
#define CONTRACT_PATIENCE (2000 * CONTRACT_MS)

/* True if all bytes are 0. */
bool contract_zeroed(const volatile void* at, uint64_t bytes);

/* Lets time pass, by yielding. Context: may sleep. */
void contract_sleep(uint64_t ns);
/* The same by reading the clock only. Context: any. */
void contract_spin(uint64_t ns);
/* Until the word is at least value; false: not in time. Context: as above. */
bool contract_sleep_until(const uint32_t* word, uint32_t value);
bool contract_spin_until(const uint32_t* word, uint32_t value);
/* Until an interrupt is pending here; false: not in time. Context: critical section. */
bool contract_spin_until_interrupt(void);

static inline uint32_t contract_load(const uint32_t* word) {
    return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}
static inline void contract_store(uint32_t* word, uint32_t value) {
    __atomic_store_n(word, value, __ATOMIC_SEQ_CST);
}
static inline void contract_add(uint32_t* word) {
    __atomic_fetch_add(word, 1, __ATOMIC_SEQ_CST);
}

/* Calls the function once in interrupt context and waits for it. */
void contract_in_interrupt(void (*function)(void* argument), void* argument);

#ifdef __cplusplus
}
#endif
#endif
