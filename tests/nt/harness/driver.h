/* SPDX-License-Identifier: GPL-2.0-only */
/* The one driver that is loaded. */
#ifndef COOP_NT_HARNESS_DRIVER_H
#define COOP_NT_HARNESS_DRIVER_H

#include "nt.h"

/* Loads it and calls its DriverEntry. Returns 0 or a negative errno value, with the reason in the kernel's
 * log. Context: may sleep. */
int driver_load(const char* path);
/* Calls its unload routine. */
void driver_leave(void);
/* Lets go of its image, if there is any. */
void driver_forget(void);
/* NULL before the first load. */
struct nt_driver* driver_loaded(void);

#endif
