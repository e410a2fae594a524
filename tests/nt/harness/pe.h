/* SPDX-License-Identifier: GPL-2.0-only */
/* A PE image for x64 in the kernel: laid out, relocated, linked, and its sections protected. */
#ifndef COOP_NT_HARNESS_PE_H
#define COOP_NT_HARNESS_PE_H

#include <stddef.h>
#include <stdint.h>

struct pe {
    uint8_t* base;
    size_t bytes; /* whole pages */
    void* entry;
};

/*
 * Loads from a file's contents. Imports are found by find(name). Returns 0, or a negative errno value with
 * the reason in the kernel's log: not a PE for x64, a section that is writable and executable, a name that
 * nobody exports. Context: may sleep. Owner: caller, pe_unload.
 */
int pe_load(const uint8_t* file, size_t bytes, void* (*find)(const char* name), struct pe* pe);
void pe_unload(struct pe* pe);

#endif
