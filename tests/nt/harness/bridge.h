/* SPDX-License-Identifier: GPL-2.0-only */
/* User space's way to the driver; see bridge.c. */
#ifndef COOP_NT_HARNESS_BRIDGE_H
#define COOP_NT_HARNESS_BRIDGE_H

int bridge_load(void);
void bridge_unload(void);

#endif
