// SPDX-License-Identifier: GPL-2.0-only
/* The end of the line in the host contract. On its own because of objtool, see Kbuild. */
#include <linux/bug.h>
#include <linux/printk.h>

#include "shim.h"

void coop_host_bug(const char* file, int line, const char* what) {
    pr_emerg("bug in the core: %s:%d: %s\n", file, line, what);
    BUG();
}
