// SPDX-License-Identifier: GPL-2.0-only
/* Events of user space. The handle is a descriptor of an eventfd, which is signalled whenever the event is.
 */
#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/limits.h>
#include <linux/list.h>
#include <linux/spinlock.h>

#include "coop/host.h"
#include "double.h"

struct coop_host_notifier* coop_notifier_open(u64 descriptor); /* hosts/linux/notifier.c */

struct user_event {
    struct nt_event event;
    struct list_head entry;
    struct coop_host_notifier* notifier;
};

static DEFINE_SPINLOCK(lock);
static LIST_HEAD(user_events);

/* In a byte of the event's head that NT uses for timers alone. */
#define MARK 0xe5

static void destroy(void* body) {
    struct user_event* user = body;

    spin_lock(&lock);
    list_del(&user->entry);
    spin_unlock(&lock);
    coop_host_notifier_release(user->notifier);
}

/* With the lock held. */
static struct user_event* find(const struct coop_host_notifier* notifier) {
    struct user_event* user;

    list_for_each_entry(user, &user_events, entry) {
        if (user->notifier == notifier && object_get_live(user)) {
            return user;
        }
    }
    return NULL;
}

/* One eventfd is one event, by whatever descriptors. Takes the notifier over. */
static struct user_event* find_or_make(struct coop_host_notifier* notifier) {
    struct user_event* fresh = object_new(OBJECT_EVENT, sizeof(*fresh), destroy);
    struct user_event* user;

    if (!fresh) {
        coop_host_notifier_release(notifier);
        return NULL;
    }
    dispatcher_init(&fresh->event.header, NT_EVENT_AUTO, false);
    fresh->event.header.flags[2] = MARK;
    fresh->notifier = notifier;
    spin_lock(&lock);
    user = find(notifier);
    if (user) {
        INIT_LIST_HEAD(&fresh->entry);
    } else {
        list_add(&fresh->entry, &user_events);
    }
    spin_unlock(&lock);
    if (user) {
        object_put(fresh);
    }
    return user ?: fresh;
}

struct nt_event* user_event_open(uint64_t descriptor, int32_t* status) {
    struct coop_host_notifier* notifier = coop_notifier_open(descriptor);
    struct user_event* user;

    if (IS_ERR(notifier)) {
        *status = PTR_ERR(notifier) == -EBADF ? NT_INVALID_HANDLE : NT_OBJECT_TYPE_MISMATCH;
        return NULL;
    }
    user = find_or_make(notifier);
    if (!user) {
        *status = NT_INSUFFICIENT_RESOURCES;
        return NULL;
    }
    return &user->event;
}

void user_event_signal(struct nt_event* event) {
    if (event->header.flags[2] == MARK) {
        coop_host_notifier_signal(container_of(event, struct user_event, event)->notifier);
    }
}
