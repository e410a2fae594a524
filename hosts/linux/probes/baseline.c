/* SPDX-License-Identifier: GPL-2.0-only */
/* Compiles on every kernel. Where it does not, the tree or the compiler is at fault, and no probe's answer
 * would mean a thing. */
#include <linux/eventfd.h>
#include <linux/gfp.h>
#include <linux/hrtimer.h>
#include <linux/mm.h>

int probe(void);
int probe(void) {
    return 0;
}
