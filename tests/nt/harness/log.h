/* SPDX-License-Identifier: GPL-2.0-only */
/* Before all else in the module's sources. */
#ifndef COOP_NT_HARNESS_LOG_H
#define COOP_NT_HARNESS_LOG_H

#define pr_fmt(text) "coop_nt: " text

#endif
