/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Layout of a vCPU's passage data, shared by passage.S and C++ (passage.hpp asserts every offset).
 *
 * The data is PASSAGE_DATA_PAGES contiguous pages, seen at two addresses: the host view (the host kernel's
 * own mapping) and the guest view (COOP_PASSAGE_VA + …). Both views exist in the intermediate address space;
 * each world maps only its own.
 */
#ifndef COOP_ARCH_PASSAGE_LAYOUT_H
#define COOP_ARCH_PASSAGE_LAYOUT_H

#define PASSAGE_TEXT_BYTES 0x3000
#define PASSAGE_OWN_STUBS 0x2000 /* gate targets of the passage's IDTs, COOP_PASSAGE_STUB_STRIDE apart */
#define PASSAGE_DATA_PAGES 4

/* A world's registers that the passage switches itself. */
#define WORLD_CR0 0x00
#define WORLD_CR3 0x08
#define WORLD_CR4 0x10
#define WORLD_GS_BASE 0x18
#define WORLD_DR7 0x20
#define WORLD_RSP 0x28
#define WORLD_GDTR 0x30
#define WORLD_IDTR 0x40
#define WORLD_DS 0x50
#define WORLD_ES 0x52
#define WORLD_FS 0x54
#define WORLD_GS 0x56
#define WORLD_TR 0x58
#define WORLD_LDTR 0x5a
#define WORLD_SS 0x5c
#define WORLD_BYTES 0x60

/* Page 0: state. */
#define PASSAGE_HOST 0x000
#define PASSAGE_GUEST 0x080
#define PASSAGE_GPR 0x100    /* 16 registers in the SDM's encoding order; slot 4 (rsp) unused */
#define PASSAGE_VECTOR 0x180 /* why the guest left: a vector or PASSAGE_VECTOR_* */
#define PASSAGE_ERROR 0x188
#define PASSAGE_PENDING 0x190 /* PASSAGE_PENDING_*: taken while the passage ran */
#define PASSAGE_LOADS 0x198   /* PASSAGE_LOAD_*: what the next entry must load besides the usual; 32 bits */
#define PASSAGE_INJECT_RSP 0x1a0 /* for PASSAGE_LOAD_EVENT: the stack for the interrupt frame … */
#define PASSAGE_INJECT_RIP 0x1a8 /* … and the handler */
#define PASSAGE_INTERMEDIATE_CR3 0x1b0
#define PASSAGE_TEXT_HOST 0x1b8
#define PASSAGE_TEXT_GUEST 0x1c0
#define PASSAGE_HOST_VIEW 0x1c8 /* where the text goes on after a change to that view */
#define PASSAGE_GUEST_VIEW 0x1d0
#define PASSAGE_SELF_HOST 0x1d8 /* this data's address in that view */
#define PASSAGE_SELF_GUEST 0x1e0
#define PASSAGE_HOST_CR4_NO_PGE 0x1e8
#define PASSAGE_IDT_HOST_POINTER 0x1f0
#define PASSAGE_IDT_GUEST_POINTER 0x200
#define PASSAGE_GDT_HOST_POINTER 0x210
#define PASSAGE_GDT_GUEST_POINTER 0x220
#define PASSAGE_BOOT_TSS_DESCRIPTOR 0x230

/*
 * Page 1: descriptor tables. 32 gates are enough: interrupts are off wherever these IDTs are in force. The
 * passage's GDTs hold its code segment and, at the place of the world's TR, a copy of that TSS descriptor.
 */
#define PASSAGE_IDT_HOST 0x1000
#define PASSAGE_IDT_GUEST 0x1400
#define PASSAGE_IDT_BYTES 0x200
#define PASSAGE_IDT_SELF 0x200 /* behind each IDT: the data's own address in that view */
#define PASSAGE_GDT_HOST 0x1800
#define PASSAGE_GDT_GUEST 0x1900
#define PASSAGE_BOOT_GDT 0x1a00 /* the guest's until it loads its own */
#define PASSAGE_GDT_BYTES 0x100
#define PASSAGE_BOOT_TSS 0x1b00
#define PASSAGE_BOOT_TSS_BYTES 0x68
#define PASSAGE_BOOT_IDT 0x1c00 /* the guest's until it loads its own: IDT_GUEST with an IST in each gate */
#define PASSAGE_BOOT_STACK_TOP 0x2000

/*
 * Page 2: the passage's stack, and on its top the guest's interrupt frame, so that the stack pointer of an
 * entry is IRETQ's operand. Page 3: the guest's interrupt stacks (guest ABI).
 */
#define PASSAGE_STACK_TOP 0x2fd0
#define PASSAGE_RIP 0x2fd0
#define PASSAGE_CS 0x2fd8
#define PASSAGE_RFLAGS 0x2fe0
#define PASSAGE_RSP 0x2fe8
#define PASSAGE_SS 0x2ff0

#define PASSAGE_VECTOR_DOORBELL 0x100
#define PASSAGE_VECTOR_ABORT 0x101 /* nothing yet: gave up entering, see pending */
#define PASSAGE_VECTOR_BUG \
    0x102 /* an exception in the host view: our own bug. Its vector is in ERROR, its place in RIP */
#define PASSAGE_LOAD_SEGMENTS 1 /* LDTR, DS, ES, FS, GS */
#define PASSAGE_LOAD_CR0 2
#define PASSAGE_LOAD_DR7 4
#define PASSAGE_LOAD_EVENT 8
#define PASSAGE_CHECK_TABLES 16 /* nothing, but look at the guest's GDT and IDT, as before any other load */
#define PASSAGE_PENDING_NMI 1
#define PASSAGE_PENDING_MACHINE_CHECK 2
#define PASSAGE_PENDING_FAULT 4 /* the guest's state could not be loaded or saved: exception ERROR */

#endif
