/* SPDX-License-Identifier: GPL-2.0-only */
#include <glib.h>

static void complain(char const* format, va_list arguments) {
    fputs("libslirp: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    fflush(stderr);
}

void g_complain(char const* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    complain(format, arguments);
    va_end(arguments);
}

void g_error(char const* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    complain(format, arguments);
    va_end(arguments);
    abort();
}

/* NULL for no bytes, as GLib has it. */
gpointer g_realloc(gpointer memory, size_t bytes) {
    if (bytes == 0) {
        free(memory);
        return NULL;
    }
    memory = realloc(memory, bytes);
    if (memory == NULL) {
        g_error("no %zu bytes of memory", bytes);
    }
    return memory;
}

gpointer g_malloc(size_t bytes) {
    return g_realloc(NULL, bytes);
}

gpointer g_malloc0(size_t bytes) {
    gpointer const memory = g_malloc(bytes);
    return memory == NULL ? NULL : memset(memory, 0, bytes);
}

char* g_strdup(char const* text) {
    return text == NULL ? NULL : memcpy(g_malloc(strlen(text) + 1), text, strlen(text) + 1);
}

gboolean g_str_has_prefix(char const* text, char const* prefix) {
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* In the first length bytes, or up to the text's end. */
char* g_strstr_len(char const* text, ptrdiff_t length, char const* wanted) {
    size_t const bytes = strlen(wanted);
    for (ptrdiff_t i = 0; i + (ptrdiff_t)bytes <= length && (bytes == 0 || text[i] != '\0'); ++i) {
        if (strncmp(text + i, wanted, bytes) == 0) {
            return (char*)text + i;
        }
    }
    return NULL;
}

unsigned g_strv_length(char** texts) {
    unsigned count = 0;
    while (texts[count] != NULL) {
        ++count;
    }
    return count;
}

void g_strfreev(char** texts) {
    for (char** each = texts; each != NULL && *each != NULL; ++each) {
        free(*each);
    }
    free(texts);
}

GString* g_string_new(char const* text) {
    GString* const string = g_new(GString, 1);
    string->str = g_strdup(text == NULL ? "" : text);
    string->len = strlen(string->str);
    return string;
}

void g_string_append_printf(GString* string, char const* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int const more = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (more < 0) {
        g_error("cannot format '%s'", format);
    }
    string->str = g_realloc(string->str, string->len + (size_t)more + 1);
    va_start(arguments, format);
    vsnprintf(string->str + string->len, (size_t)more + 1, format, arguments);
    va_end(arguments);
    string->len += (size_t)more;
}

char* g_string_free(GString* string, gboolean with_text) {
    char* text = string->str;
    if (with_text) {
        free(text);
        text = NULL;
    }
    free(string);
    return text;
}

GRand* g_rand_new(void) {
    GRand* const random = g_new(GRand, 1);
    random->state = (unsigned)(uintptr_t)random;
    return random;
}

int g_rand_int_range(GRand* random, int begin, int end) {
    random->state = random->state * 1103515245 + 12345;
    return begin + (int)((random->state >> 16) % (unsigned)(end - begin));
}

static gboolean refuse(GError** error) {
    static GError no_commands = {"commands cannot be run here"};
    *error = &no_commands;
    return FALSE;
}

gboolean g_shell_parse_argv(char const* command, int* count, char*** words, GError** error) {
    (void)command, (void)count, (void)words;
    return refuse(error);
}

gboolean g_spawn_async_with_fds(char const* folder, char** words, char** environment, GSpawnFlags flags,
                                GSpawnChildSetupFunc setup, gpointer data, GPid* child, int input, int output,
                                int errors, GError** error) {
    (void)folder, (void)words, (void)environment, (void)flags, (void)setup, (void)data, (void)child;
    (void)input, (void)output, (void)errors;
    return refuse(error);
}
