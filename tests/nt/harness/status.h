/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef COOP_NT_HARNESS_STATUS_H
#define COOP_NT_HARNESS_STATUS_H

#include <stdint.h>

/* The errno value, negative or 0, for what coop/ioctl_nt.h promises of a request. */
int status_errno(int32_t status);

#endif
