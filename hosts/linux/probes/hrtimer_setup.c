/* SPDX-License-Identifier: GPL-2.0-only */
/* Is a timer's function given to hrtimer_setup (or assigned after hrtimer_init)? */
#include <linux/hrtimer.h>

void probe(struct hrtimer* timer, enum hrtimer_restart (*function)(struct hrtimer*));
void probe(struct hrtimer* timer, enum hrtimer_restart (*function)(struct hrtimer*)) {
    hrtimer_setup(timer, function, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
}
