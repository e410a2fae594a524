// SPDX-License-Identifier: GPL-2.0-only
/* The log of the host contract: the kernel's ring buffer. */
#include <linux/printk.h>

#include "shim.h"

void coop_host_log(enum coop_host_log_level level, const char* line) {
    switch (level) {
    case COOP_LOG_ERROR:
        pr_err("%s\n", line);
        break;
    case COOP_LOG_WARNING:
        pr_warn("%s\n", line);
        break;
    case COOP_LOG_INFO:
        pr_info("%s\n", line);
        break;
    }
}
