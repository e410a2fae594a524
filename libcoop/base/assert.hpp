// SPDX-License-Identifier: GPL-2.0-only
// COOP_ASSERT: an invariant of the core itself. A failure is our bug and stops the host's work on this CPU;
// never use it to check what a guest or user space hands in.
#pragma once

#include "coop/host.h"

#define COOP_ASSERT(condition) ((condition) ? (void)0 : coop_host_bug(__FILE__, __LINE__, #condition))
