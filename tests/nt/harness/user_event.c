// SPDX-License-Identifier: GPL-2.0-only
/* Events of user space. The handle is a descriptor of an eventfd, which is signalled whenever the event is.
 */
#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/limits.h>

#include "coop/host.h"
#include "double.h"

struct coop_host_notifier* coop_notifier_open(u64 descriptor); /* hosts/linux/notifier.c */

struct user_event {
    struct nt_event event;
    struct coop_host_notifier* notifier;
};

/* In a byte of the event's head that NT uses for timers alone. */
#define MARK 0xe5

static void destroy(void* body) {
    struct user_event* user = body;

    coop_host_notifier_release(user->notifier);
}

struct nt_event* user_event_open(uint64_t descriptor, int32_t* status) {
    struct coop_host_notifier* notifier = coop_notifier_open(descriptor);
    struct user_event* user;

    if (IS_ERR(notifier)) {
        *status = PTR_ERR(notifier) == -EBADF ? NT_INVALID_HANDLE : NT_OBJECT_TYPE_MISMATCH;
        return NULL;
    }
    user = object_new(OBJECT_EVENT, sizeof(*user), destroy);
    if (!user) {
        coop_host_notifier_release(notifier);
        *status = NT_INSUFFICIENT_RESOURCES;
        return NULL;
    }
    dispatcher_init(&user->event.header, NT_EVENT_AUTO, false);
    user->event.header.flags[2] = MARK;
    user->notifier = notifier;
    return &user->event;
}

void user_event_signal(struct nt_event* event) {
    if (event->header.flags[2] == MARK) {
        coop_host_notifier_signal(container_of(event, struct user_event, event)->notifier);
    }
}
