// SPDX-License-Identifier: GPL-2.0-only
/* The second CPU (SDM 3A 9.4.4): started once, then it waits for functions to call. */
#include "metal.h"

extern const char metal_trampoline[], metal_trampoline_end[];

static bool up;
static void (*wanted)(void*);
static void* wanted_argument;

static _Noreturn void second_cpu(void) {
    metal_descriptors_load(1);
    metal_apic_init();
    metal_cpu_features();
    __atomic_store_n(&up, true, __ATOMIC_RELEASE);
    for (;;) {
        asm volatile("cli" ::: "memory");
        void (*function)(void*) = __atomic_load_n(&wanted, __ATOMIC_ACQUIRE);
        if (!function) {
            asm volatile("sti; hlt" ::: "memory");
            continue;
        }
        asm volatile("sti" ::: "memory");
        function(wanted_argument);
        __atomic_store_n(&wanted, NULL, __ATOMIC_RELEASE);
    }
}

bool metal_smp_start(void) {
    enum { INIT_WAIT_US = 10000, STARTUP_WAIT_US = 200, ANSWER_WAIT_US = 200000, STEP_US = 100 };

    memcpy(metal_va(TRAMPOLINE), metal_trampoline, (size_t)(metal_trampoline_end - metal_trampoline));
    metal_cpu_entry = second_cpu;
    metal_apic_send(1, APIC_INIT);
    metal_delay_us(INIT_WAIT_US);
    metal_apic_send(1, APIC_STARTUP | TRAMPOLINE / PAGE_BYTES);
    metal_delay_us(STARTUP_WAIT_US);
    for (unsigned waited = 0; waited < ANSWER_WAIT_US && !metal_smp(); waited += STEP_US)
        metal_delay_us(STEP_US);
    return metal_smp();
}

void metal_smp_stop(void) {
    metal_smp_wait();
    __atomic_store_n(&up, false, __ATOMIC_RELEASE);
    metal_apic_send(1, APIC_INIT);
}

bool metal_smp(void) {
    return __atomic_load_n(&up, __ATOMIC_ACQUIRE);
}

void metal_smp_call(void (*function)(void*), void* argument) {
    metal_smp_wait();
    wanted_argument = argument;
    __atomic_store_n(&wanted, function, __ATOMIC_RELEASE);
    coop_host_kick(1);
}

void metal_smp_wait(void) {
    while (__atomic_load_n(&wanted, __ATOMIC_ACQUIRE))
        __builtin_ia32_pause();
}
