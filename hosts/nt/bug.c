// SPDX-License-Identifier: GPL-2.0-only
/* The end of the line in the host contract: a blue screen that names file and line in a debugger. */
#include "shim.h"

#define BUGCHECK_COOP 0x434f4f50 /* COOP */

void coop_host_bug(const char* file, int line, const char* what) {
    coop_log("bug in the core: %s:%d: %s", file, line, what);
    KeBugCheckEx(BUGCHECK_COOP, (ULONG_PTR)file, line, (ULONG_PTR)what, 0);
    for (;;)
        ;
}
