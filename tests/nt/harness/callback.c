// SPDX-License-Identifier: GPL-2.0-only
/* Callback objects: by name, or without one; each with at most one routine registered. */
#include "callback.h"

#include <linux/mutex.h>
#include <linux/string.h>

#include "double.h"

#define NAMED 4
#define NAME_BYTES 40

struct callback {
    char name[NAME_BYTES];
    void(NT_CALL* routine)(void* context, void* first, void* second);
    void* context;
};

/* Of NT's OBJECT_ATTRIBUTES. */
struct attributes {
    u32 length;
    u64 root;
    const struct nt_string* name;
};

static DEFINE_MUTEX(lock);
static struct callback* named[NAMED]; /* referenced */

static void copy_name(char* to, const struct nt_string* name) {
    unsigned int i;

    for (i = 0; i < name->bytes / 2u && i < NAME_BYTES - 1; i++) {
        to[i] = name->text[i];
    }
    to[i] = '\0';
}

static struct callback* find(const char* name) {
    unsigned int i;

    for (i = 0; i < NAMED; i++) {
        if (named[i] && !strcasecmp(named[i]->name, name)) {
            return named[i];
        }
    }
    return NULL;
}

static struct callback* make(const char* name) {
    struct callback* callback = object_new(OBJECT_CALLBACK, sizeof(*callback), NULL);
    unsigned int i;

    if (!callback) {
        return NULL;
    }
    strscpy(callback->name, name, NAME_BYTES);
    for (i = 0; i < NAMED; i++) {
        if (!named[i]) {
            named[i] = callback;
            return callback;
        }
    }
    object_put(callback);
    return NULL;
}

NT_EXPORT(int32_t, ExCreateCallback, struct callback** callback, const struct attributes* attributes,
          uint8_t create, uint8_t multiple) {
    char name[NAME_BYTES];

    copy_name(name, attributes->name);
    mutex_lock(&lock);
    *callback = find(name);
    if (!*callback && create) {
        *callback = make(name);
    }
    if (*callback) {
        object_get(*callback);
        tally_taken(TALLY_references);
    }
    mutex_unlock(&lock);
    return *callback ? NT_SUCCESS : NT_OBJECT_NAME_NOT_FOUND;
}

NT_EXPORT(void*, ExRegisterCallback, struct callback* callback, void(NT_CALL* routine)(void*, void*, void*),
          void* context) {
    bool fresh;

    mutex_lock(&lock);
    fresh = !callback->routine;
    if (fresh) {
        callback->context = context;
        callback->routine = routine;
        object_get(callback);
        tally_taken(TALLY_callbacks);
    }
    mutex_unlock(&lock);
    return fresh ? callback : NULL;
}

NT_EXPORT(void, ExUnregisterCallback, struct callback* callback) {
    mutex_lock(&lock);
    callback->routine = NULL;
    mutex_unlock(&lock);
    object_put(callback);
    tally_given_back(TALLY_callbacks);
}

bool callback_notify(const char* name, void* first, void* second) {
    struct callback* callback;
    bool found;

    mutex_lock(&lock);
    callback = find(name);
    found = callback && callback->routine;
    if (found) {
        callback->routine(callback->context, first, second);
    }
    mutex_unlock(&lock);
    return found;
}

/* The kernel has this one by itself. */
int callback_load(void) {
    return make("\\Callback\\PowerState") ? 0 : -ENOMEM;
}

void callback_unload(void) {
    unsigned int i;

    for (i = 0; i < NAMED; i++) {
        if (named[i]) {
            object_put(named[i]);
            named[i] = NULL;
        }
    }
}
