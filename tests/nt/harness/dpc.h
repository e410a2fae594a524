/* SPDX-License-Identifier: GPL-2.0-only */
/* DPCs, for the double's own use; the functions are NT's. */
#ifndef COOP_NT_HARNESS_DPC_H
#define COOP_NT_HARNESS_DPC_H

#include <stdbool.h>

#include "nt.h"

void dpc_load(void);
/* Runs what is left. */
void dpc_unload(void);

/* Context: any but of the last, which may sleep. */
void NT_CALL nt_KeInitializeDpc(struct nt_dpc* dpc,
                                void(NT_CALL* routine)(struct nt_dpc*, void*, void*, void*), void* context);
bool dpc_queue(struct nt_dpc* dpc, void* first,
               void* second); /* KeInsertQueueDpc, for the double's own code */
uint8_t NT_CALL nt_KeRemoveQueueDpc(struct nt_dpc* dpc);
void NT_CALL nt_KeFlushQueuedDpcs(void);

#endif
