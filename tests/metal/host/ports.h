/* SPDX-License-Identifier: GPL-2.0-only */
/* I/O ports and interrupt flag. */
#ifndef METAL_PORTS_H
#define METAL_PORTS_H

#include <stdint.h>

static inline void out8(uint16_t port, uint8_t value) {
    __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port));
}
static inline void out32(uint16_t port, uint32_t value) {
    __asm__ volatile("outl %0, %1" ::"a"(value), "Nd"(port));
}
static inline uint8_t in8(uint16_t port) {
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

/* Interrupts off; returns the flags for interrupts_restore. */
static inline uint64_t interrupts_save(void) {
    uint64_t flags;
    __asm__ volatile("pushfq; popq %0; cli" : "=r"(flags)::"memory");
    return flags;
}
static inline void interrupts_restore(uint64_t flags) {
    if (flags & 0x200)
        __asm__ volatile("sti" ::: "memory");
}

#endif
