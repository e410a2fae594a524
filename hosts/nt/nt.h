/* SPDX-License-Identifier: GPL-2.0-only */
/* NT's kernel interfaces as mingw-w64 declares them, and what its headers lack. */
#ifndef COOP_NT_NT_H
#define COOP_NT_NT_H

/* A builtin that mingw's intrin.h needs, and that GCC does not have without vector registers. */
#define __builtin_ia32_sfence() __asm__ __volatile__("sfence" ::: "memory")

/* Inline there, from the processor's own structure; what the kernel exports needs no such knowledge. */
#define PsGetCurrentThread PsGetCurrentThread_inline
#include <ntifs.h>
#undef PsGetCurrentThread
NTKERNELAPI PETHREAD NTAPI PsGetCurrentThread(VOID);

/* The headers' import of it is a pointer to the kernel's variable, which is itself the type: one step less
 * than its declaration says. */
#define COOP_EVENT_TYPE ((POBJECT_TYPE)ExEventObjectType)

NTSTATUS NTAPI ZwQuerySystemInformation(ULONG kind, PVOID buffer, ULONG bytes, PULONG needed);

#endif
