/* SPDX-License-Identifier: GPL-2.0-only */
/* Addresses and selectors of the metal host, for C and assembly. */
#ifndef METAL_LAYOUT_H
#define METAL_LAYOUT_H

#define IMAGE_BASE 0xffffffff80000000 /* physical 0 as the image sees it */
#define DIRECT_MAP 0xffff800000000000
#define DIRECT_MAP_BYTES (4ull << 30)
#define TRAMPOLINE 0x8000 /* physical: where the second CPU starts, in real mode */
#define STACK_BYTES 0x4000
#define NO_EXECUTE 0x8000000000000000

/* The contract fixes KERNEL_CS and, for the guest, KERNEL_DS. TSS of CPU n: FIRST_TSS + 16 * n. */
#define KERNEL_CS 0x10
#define KERNEL_DS 0x18
#define FLAT_CODE 0x00af9b000000ffff
#define FLAT_DATA 0x00cf93000000ffff
#define FLAT_CODE32 0x00cf9b000000ffff

#endif
