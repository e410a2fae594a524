/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef COOP_NT_HARNESS_EXPORTS_H
#define COOP_NT_HARNESS_EXPORTS_H

/* What a PE gets for that name, or NULL. */
void* double_export(const char* name);

#endif
