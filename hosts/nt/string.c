// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the compiler calls by itself. NT exports these too, but its own use vector registers, which may be the
 * guest's while the core copies.
 */
#include <stddef.h>

void* memcpy(void* restrict to, const void* restrict from, size_t bytes);
void* memmove(void* to, const void* from, size_t bytes);
void* memset(void* at, int value, size_t bytes);
int memcmp(const void* a, const void* b, size_t bytes);

void* memcpy(void* restrict to, const void* restrict from, size_t bytes) {
    void* end = to;

    __asm__ volatile("rep movsb" : "+D"(end), "+S"(from), "+c"(bytes)::"memory");
    return to;
}

void* memmove(void* to, const void* from, size_t bytes) {
    volatile unsigned char* target = to;
    const volatile unsigned char* source = from;

    if ((size_t)to - (size_t)from >= bytes) {
        return memcpy(to, from, bytes);
    }
    while (bytes--) {
        target[bytes] = source[bytes];
    }
    return to;
}

void* memset(void* at, int value, size_t bytes) {
    void* end = at;

    __asm__ volatile("rep stosb" : "+D"(end), "+c"(bytes) : "a"(value) : "memory");
    return at;
}

int memcmp(const void* a, const void* b, size_t bytes) {
    const unsigned char* left = a;
    const unsigned char* right = b;

    for (; bytes; bytes--, left++, right++) {
        if (*left != *right) {
            return *left - *right;
        }
    }
    return 0;
}
