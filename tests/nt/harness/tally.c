// SPDX-License-Identifier: GPL-2.0-only
/* What the driver took and gave back, and what it did wrong. */
#include <linux/atomic.h>
#include <linux/kernel.h>
#include <linux/printk.h>
#include <linux/stdarg.h>

#include "double.h"

static atomic_t taken[TALLY_COUNT], given_back[TALLY_COUNT];
static atomic_t complaints;

static const char* const names[TALLY_COUNT] = {
#define TALLY(name) #name,
#include "tally.def"
#undef TALLY
};

void tally_taken(enum tally kind) {
    atomic_inc(&taken[kind]);
}

void tally_given_back(enum tally kind) {
    atomic_inc(&given_back[kind]);
}

void double_complaint(const char* format, ...) {
    va_list arguments;
    struct va_format text = {format, &arguments};

    atomic_inc(&complaints);
    va_start(arguments, format);
    pr_err("complaint: %pV\n", &text);
    va_end(arguments);
}

bool tally_report(void) {
    char line[400];
    size_t length = 0;
    unsigned int i;

    for (i = 0; i < TALLY_COUNT; i++) {
        int kept = atomic_read(&taken[i]) - atomic_read(&given_back[i]);

        length += scnprintf(line + length, sizeof(line) - length, " %s %d", names[i], atomic_read(&taken[i]));
        if (kept) {
            double_complaint("%d of %d %s not given back", kept, atomic_read(&taken[i]), names[i]);
        }
    }
    pr_info("taken:%s; complaints %d\n", line, atomic_read(&complaints));
    return !atomic_read(&complaints);
}
