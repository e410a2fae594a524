/* SPDX-License-Identifier: GPL-2.0-only */
/* Callback objects, as the kernel notifies them. */
#ifndef COOP_NT_HARNESS_CALLBACK_H
#define COOP_NT_HARNESS_CALLBACK_H

#include <stdbool.h>

int callback_load(void);
void callback_unload(void);
/* Calls who has registered; false: nobody. Context: may sleep. */
bool callback_notify(const char* name, void* first, void* second);

#endif
