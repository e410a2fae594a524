/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * As much of GLib as libslirp 4.7 calls, with GLib's names and meanings: Debian has no GLib for NT, and a
 * whole one is not needed for memory, strings and complaints. As with GLib, memory that cannot be had and an
 * assertion that fails end the process.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define G_OS_WIN32
#define GLIB_SIZEOF_VOID_P __SIZEOF_POINTER__
#define G_LITTLE_ENDIAN 1234
#define G_BIG_ENDIAN 4321
#define G_BYTE_ORDER G_LITTLE_ENDIAN
#define GLIB_CHECK_VERSION(major, minor, micro) 1

typedef int gboolean;
typedef int gint;
typedef char gchar;
typedef void* gpointer;

#define FALSE 0
#define TRUE 1
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define GUINT16_FROM_BE(value) __builtin_bswap16(value)
#define GUINT16_TO_BE(value) __builtin_bswap16(value)
#define GUINT32_FROM_BE(value) __builtin_bswap32(value)
#define GUINT32_TO_BE(value) __builtin_bswap32(value)
#define GINT16_FROM_BE(value) ((int16_t)__builtin_bswap16((uint16_t)(value)))
#define GINT16_TO_BE(value) ((int16_t)__builtin_bswap16((uint16_t)(value)))
#define GINT32_FROM_BE(value) ((int32_t)__builtin_bswap32((uint32_t)(value)))
#define GINT32_TO_BE(value) ((int32_t)__builtin_bswap32((uint32_t)(value)))
#define G_N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))
#define G_SIZEOF_MEMBER(type, member) sizeof(((type*)0)->member)
#define G_UNLIKELY(condition) __builtin_expect(!!(condition), 0)
#define G_STATIC_ASSERT(condition) _Static_assert(condition, #condition)
#define G_GNUC_PRINTF(text, first) __attribute__((format(gnu_printf, text, first)))

/* Complaints, on standard error. */

void g_complain(char const* format, ...) G_GNUC_PRINTF(1, 2);
void g_error(char const* format, ...) G_GNUC_PRINTF(1, 2) __attribute__((noreturn));
#define g_critical(...) g_complain(__VA_ARGS__)
#define g_warning(...) g_complain(__VA_ARGS__)
#define g_debug(...) ((void)0) /* nor does GLib print it, unless told by its own variable */
#define g_assert(condition) ((condition) ? (void)0 : g_error("%s:%d: %s", __FILE__, __LINE__, #condition))
#define g_assert_not_reached() g_error("%s:%d: not reached", __FILE__, __LINE__)
#define g_warn_if_fail(condition) \
    ((condition) ? (void)0 : g_complain("%s:%d: %s", __FILE__, __LINE__, #condition))
#define g_warn_if_reached() g_complain("%s:%d: reached", __FILE__, __LINE__)
#define g_return_if_fail(condition)                                  \
    do {                                                             \
        if (!(condition)) {                                          \
            g_complain("%s:%d: %s", __FILE__, __LINE__, #condition); \
            return;                                                  \
        }                                                            \
    } while (0)
#define g_return_val_if_fail(condition, value)                       \
    do {                                                             \
        if (!(condition)) {                                          \
            g_complain("%s:%d: %s", __FILE__, __LINE__, #condition); \
            return value;                                            \
        }                                                            \
    } while (0)

/* Memory. */

gpointer g_malloc(size_t bytes);
gpointer g_malloc0(size_t bytes);
gpointer g_realloc(gpointer memory, size_t bytes);
#define g_free(memory) free(memory)
#define g_new(type, count) ((type*)g_malloc(sizeof(type) * (count)))
#define g_new0(type, count) ((type*)g_malloc0(sizeof(type) * (count)))

/* Strings. */

typedef char** GStrv;
typedef struct {
    char* str;
    size_t len;
} GString;

char* g_strdup(char const* text);
gboolean g_str_has_prefix(char const* text, char const* prefix);
char* g_strstr_len(char const* text, ptrdiff_t length, char const* wanted);
unsigned g_strv_length(char** texts);
void g_strfreev(char** texts);
#define g_strerror(number) strerror(number)
#define g_snprintf snprintf
#define g_vsnprintf vsnprintf
GString* g_string_new(char const* text);
void g_string_append_printf(GString* string, char const* format, ...) G_GNUC_PRINTF(2, 3);
char* g_string_free(GString* string, gboolean with_text);

/* Settings: SLIRP_DEBUG alone, which chooses among what g_debug would print. */

typedef struct {
    char const* key;
    unsigned value;
} GDebugKey;

#define g_getenv(name) getenv(name)
#define g_parse_debug_string(text, keys, count) ((void)(keys), 0)

/* Random numbers, where they need not be good. */

typedef struct {
    unsigned state;
} GRand;

GRand* g_rand_new(void);
int g_rand_int_range(GRand* random, int begin, int end);
#define g_rand_free(random) g_free(random)

/* Commands, for slirp_add_exec, which we do not call: each is refused. */

typedef struct {
    char const* message;
} GError;
typedef int GPid;
typedef enum { G_SPAWN_SEARCH_PATH = 4 } GSpawnFlags;
typedef void (*GSpawnChildSetupFunc)(gpointer data);

gboolean g_shell_parse_argv(char const* command, int* count, char*** words, GError** error);
gboolean g_spawn_async_with_fds(char const* folder, char** words, char** environment, GSpawnFlags flags,
                                GSpawnChildSetupFunc setup, gpointer data, GPid* child, int input, int output,
                                int errors, GError** error);
#define g_error_free(error) ((void)(error))
