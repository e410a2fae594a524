/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a case and its guest see the guest's one run of RAM, for C and assembly. Guests are entered as the
 * guest ABI says, on the monitor's identity tables; they are position independent.
 */
#ifndef METAL_GUEST_H
#define METAL_GUEST_H

#include "coop/guest/abi.h"

/* Offsets in the run. */
#define GUEST_PARAMETERS 0x0000 /* 512 words, the guest's %rsi; a meaning for the first few: */
#define GUEST_IDT 0x1000
#define GUEST_GDT 0x2000
#define GUEST_STACK_TOP 0x8000
#define GUEST_CODE 0x10000
#define GUEST_SHARED 0x30000
#define GUEST_VCPU_PAGE 0x31000
#define GUEST_TABLES 0x40000
#define GUEST_RUN_BYTES 0x200000

/* Parameters: byte offsets for assembly. */
#define PARAM_COUNT 0x00
#define PARAM_TICKS 0x08
#define PARAM_RESULT 0x10
#define PARAM_EVENTS 0x18
#define PARAM_PUD 0x20 /* the passage's entry, as the ABI gave it */
#define PARAM_ARGUMENT 0x28

/* Guest first_state: what it began with. */
#define FIRST_RSP 0x00
#define FIRST_RFLAGS 0x08
#define FIRST_CR2 0x10
#define FIRST_DR6 0x18
#define FIRST_DR7 0x20
#define FIRST_FCW 0x28
#define FIRST_MXCSR 0x30

#define GUEST_VCPU_DATA (COOP_PASSAGE_VA + COOP_PASSAGE_VCPU_STRIDE)

#endif
