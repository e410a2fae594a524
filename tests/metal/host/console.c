// SPDX-License-Identifier: GPL-2.0-only
/* The first serial port, the contract's log, and the emulators' ways out. */
#include <stdarg.h>

#include "lock.h"
#include "metal.h"
#include "ports.h"

enum {
    COM1 = 0x3f8,
    LINE_STATUS = 5,
    TRANSMIT_EMPTY = 0x20,
    ALL_SENT = 0x40,
    QEMU_EXIT = 0xf4,
    BOCHS_EXIT = 0x8900
};

static struct metal_lock lock;

static void put(char c) {
    while (!(in8(COM1 + LINE_STATUS) & TRANSMIT_EMPTY))
        ;
    out8(COM1, (uint8_t)c);
}

static void put_text(const char* text) {
    while (*text)
        put(*text++);
}

static void put_number(uint64_t value, unsigned base) {
    char digits[21];
    char* at = digits + sizeof(digits) - 1;

    *at = '\0';
    do
        *--at = "0123456789abcdef"[value % base];
    while (value /= base);
    put_text(at);
}

static void print(const char* format, va_list arguments) {
    for (; *format; format++) {
        if (*format != '%') {
            put(*format);
            continue;
        }
        switch (*++format) {
        case 's':
            put_text(va_arg(arguments, const char*));
            break;
        case 'd': {
            int64_t value = va_arg(arguments, int64_t);
            if (value < 0)
                put('-');
            put_number(value < 0 ? -(uint64_t)value : (uint64_t)value, 10);
            break;
        }
        case 'u':
            put_number(va_arg(arguments, uint64_t), 10);
            break;
        case 'x':
            put_number(va_arg(arguments, uint64_t), 16);
            break;
        default:
            put(*format);
        }
    }
}

void metal_print(const char* format, ...) {
    va_list arguments;
    uint64_t flags = interrupts_save();

    va_start(arguments, format);
    lock_take(&lock);
    print(format, arguments);
    lock_release(&lock);
    va_end(arguments);
    interrupts_restore(flags);
}

void metal_exit(bool passed) {
    while (!(in8(COM1 + LINE_STATUS) & ALL_SENT))
        ;
    out32(QEMU_EXIT, passed ? 0x10 : 0x11);
    for (const char* word = "Shutdown"; *word; word++)
        out8(BOCHS_EXIT, (uint8_t)*word);
    for (;;)
        asm volatile("cli; hlt");
}

void metal_panic(const char* why) {
    uint64_t cr2, cr3;

    asm volatile("cli");
    lock.held = 0; /* it may be this CPU's */
    asm volatile("mov %%cr2, %0; mov %%cr3, %1" : "=r"(cr2), "=r"(cr3));
    metal_print("\nnot ok - panic: %s (cr2 %x cr3 %x)\n", why, cr2, cr3);
    metal_exit(false);
}

void coop_host_bug(const char* file, int line, const char* what) {
    metal_print("\n# bug in the core: %s:%d: %s\n", file, (int64_t)line, what);
    metal_panic("coop_host_bug");
}
