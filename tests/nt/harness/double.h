/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the double's files share. Everything that a driver may import is defined by NT_EXPORT(type, name, …),
 * as nt_name, and is thereby in the table that the loader looks into (exports.c). A datum likewise by
 * NT_DATA.
 */
#ifndef COOP_NT_HARNESS_DOUBLE_H
#define COOP_NT_HARNESS_DOUBLE_H

#include <stdbool.h>
#include <stddef.h>

#include "nt.h"

#define NT_EXPORT(type, name, ...)       \
    type NT_CALL nt_##name(__VA_ARGS__); \
    type NT_CALL nt_##name(__VA_ARGS__)
#define NT_DATA(type, name) \
    extern type nt_##name;  \
    type nt_##name

/* tally.c. What a driver holds, by kind; all is to be given back when it is unloaded. Context: any. */
enum tally {
#define TALLY(name) TALLY_##name,
#include "tally.def"
#undef TALLY
    TALLY_COUNT
};
void tally_taken(enum tally kind);
void tally_given_back(enum tally kind);
/* Something that NT would have stopped for, or that cannot be right; printk's format. Fails the load or the
 * unload that follows. */
void double_complaint(const char* format, ...) __attribute__((format(printf, 1, 2)));
/* Prints a line with all that was taken, and complains of what was not given back. Returns true if there is
 * no complaint. */
bool tally_report(void);

/* irql.c. CR8, as a driver reads and writes it by itself. Between load and unload it is NT's. */
void irql_load(void);
void irql_unload(void);
uint8_t irql_now(void);
/* Returns the level before. */
uint8_t irql_set(uint8_t level);
/*
 * As NT's own code may, uses up the vector registers that a called function need not keep; in what a driver
 * calls inside a world switch's critical section, where they are a guest's. With interrupts on they may be a
 * process's: Linux would have to save them first.
 */
void vectors_spoil(void);
void NT_CALL nt_IoAcquireCancelSpinLock(uint8_t* level);
void NT_CALL nt_IoReleaseCancelSpinLock(uint8_t level);

/* dispatcher.c. Context: any. */
void dispatcher_init(struct nt_dispatcher* object, uint8_t type, int32_t signalled);
/* Wakes whom the object's new state lets through. Returns the old state. */
int32_t dispatcher_signal(struct nt_dispatcher* object);
/* timeout: NULL, or 100 ns units, relative if negative. Context: may sleep. */
int32_t dispatcher_wait(struct nt_dispatcher* object, uint8_t mode, bool alertable, const int64_t* timeout);

/* objects.c. Counted objects, with handles. */
enum object_kind {
    OBJECT_EVENT,
    OBJECT_THREAD,
    OBJECT_PROCESS,
    OBJECT_CALLBACK,
    OBJECT_DEVICE,
    OBJECT_FILE,
    OBJECT_KEY
};
/* A zeroed body, referenced once; destroy, unless NULL, runs with the last reference. NULL: no memory. */
void* object_new(enum object_kind kind, size_t bytes, void (*destroy)(void* body));
enum object_kind object_kind(const void* body);
/* The double's own references are not the driver's: they do not count in the tally. Context of put: any, if
 * the object's destroy allows. */
void object_get(void* body);
/* False: its last reference has just gone. */
bool object_get_live(void* body);
void object_put(void* body);
/* Takes a reference of its own. 0: no memory. */
uint64_t handle_new(void* body);

/* user_event.c: an event that user space sees as an eventfd. Context: any. */
void user_event_signal(struct nt_event* event);
/* Referenced, for a descriptor of the current process; an nt_status in *status otherwise. */
struct nt_event* user_event_open(uint64_t descriptor, int32_t* status);

#endif
