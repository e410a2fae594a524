// SPDX-License-Identifier: GPL-2.0-only
/* What the compiler and the core expect to be there. */
#include "metal.h"

void* memcpy(void* to, const void* from, size_t bytes) {
    void* result = to;

    asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes)::"memory");
    return result;
}

void* memmove(void* to, const void* from, size_t bytes) {
    if ((uintptr_t)to - (uintptr_t)from >= bytes)
        return memcpy(to, from, bytes);
    for (unsigned char *t = (unsigned char*)to + bytes, *f = (unsigned char*)from + bytes; bytes; bytes--) {
        *--t = *--f;
        asm volatile("" ::: "memory"); /* not a call of memmove */
    }
    return to;
}

void* memset(void* to, int byte, size_t bytes) {
    void* result = to;
    uint64_t pattern = (uint8_t)byte * 0x0101010101010101;
    size_t words = bytes / 8;

    bytes %= 8;
    asm volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(pattern) : "memory");
    asm volatile("rep stosb" : "+D"(to), "+c"(bytes) : "a"(pattern) : "memory");
    return result;
}

int memcmp(const void* a, const void* b, size_t bytes) {
    const unsigned char *x = a, *y = b;

    for (; bytes; bytes--, x++, y++) {
        if (*x != *y)
            return *x - *y;
    }
    return 0;
}
