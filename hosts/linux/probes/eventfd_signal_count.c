/* SPDX-License-Identifier: GPL-2.0-only */
/* Does eventfd_signal take the number to add? */
#include <linux/eventfd.h>

void probe(struct eventfd_ctx* context);
void probe(struct eventfd_ctx* context) {
    eventfd_signal(context, 1);
}
