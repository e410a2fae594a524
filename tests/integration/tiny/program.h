/* SPDX-License-Identifier: GPL-2.0-only */
/* What guest.S is told and what it tells, for it and for who starts it. */
#ifndef COOP_TINY_PROGRAM_H
#define COOP_TINY_PROGRAM_H

/* Modes. */
#define TINY_DOORBELLS 0 /* rings them, and checks that its registers come back */
#define TINY_EVENTS 1    /* takes them as interrupts, then as many by waiting */
#define TINY_STUCK 2     /* stays in, with interrupts off */
#define TINY_FAULT 3     /* an exception without a handler */
#define TINY_MEASURE 4   /* nothing but doorbells, and how long they took */
#define TINY_HARDWARE 5  /* touches hardware, as no guest may */

/* The parameter page: 64-bit numbers at these offsets. */
#define PARAM_MODE 0x0
#define PARAM_COUNT 0x8      /* of what the mode does */
#define PARAM_VCPU_PAGE 0x10 /* gpa */
#define PARAM_TICKS 0x18     /* TSC ticks between timer events */
#define PARAM_EVENTS 0x20    /* result: events taken as interrupts */
#define PARAM_SPINS 0x28     /* result: turns of the loop that they interrupted */
#define PARAM_ELAPSED 0x30   /* result of TINY_MEASURE: TSC ticks for all its doorbells */

#endif
