// SPDX-License-Identifier: GPL-2.0-only
/* What the boot loader left: memory map and command line, from PVH (Xen's start_info, as QEMU gives it) or
 * Multiboot2. */
#include "metal.h"

enum { MULTIBOOT2_MAGIC = 0x36d76289, PVH_MAGIC = 0x336ec578, RAM = 1 };
enum { TAG_END = 0, TAG_COMMAND_LINE = 1, TAG_MEMORY_MAP = 6 };

struct pvh_start_info {
    uint32_t magic, version, flags, modules;
    uint64_t module_list, command_line, rsdp, memory_map;
    uint32_t memory_map_entries, reserved;
};
struct map_entry { /* the same in both */
    uint64_t start, bytes;
    uint32_t type, reserved;
};
struct tag {
    uint32_t type, bytes;
};

extern const uint32_t loader_magic, loader_info;
extern const char image_end[];

static const char* command_line = "";
static uint64_t ram_end;

static void look_at_map(const struct map_entry* entry, uint32_t bytes, size_t count) {
    uint64_t image = (uint64_t)image_end - IMAGE_BASE;

    for (; count; count--, entry = (const void*)((const char*)entry + bytes)) {
        if (entry->type == RAM && entry->start <= image && entry->start + entry->bytes > image)
            ram_end = entry->start + entry->bytes;
    }
}

void metal_loader_init(void) {
    const struct pvh_start_info* info = metal_va(loader_info);

    if (loader_magic == MULTIBOOT2_MAGIC) {
        const struct tag* tag = (const void*)((const char*)metal_va(loader_info) + 8);

        for (; tag->type != TAG_END; tag = (const void*)((const char*)tag + ((tag->bytes + 7) & ~7u))) {
            if (tag->type == TAG_COMMAND_LINE)
                command_line = (const char*)(tag + 1);
            if (tag->type == TAG_MEMORY_MAP) {
                uint32_t bytes = *(const uint32_t*)(tag + 1);
                look_at_map((const void*)(tag + 2), bytes, (tag->bytes - 16) / bytes);
            }
        }
    } else if (info->magic == PVH_MAGIC) {
        look_at_map(metal_va(info->memory_map), sizeof(struct map_entry), info->memory_map_entries);
        if (info->command_line)
            command_line = metal_va(info->command_line);
    }
    if (!ram_end)
        metal_panic("no boot loader that we know, or no RAM behind the image");
}

uint64_t metal_ram_end(void) {
    return ram_end;
}

/* Behind prefix, if the word at text begins with it. */
static const char* after(const char* text, const char* prefix) {
    while (*prefix && *text == *prefix) {
        text++;
        prefix++;
    }
    return *prefix ? NULL : text;
}

static const char* next_word(const char* at) {
    while (*at && *at != ' ')
        at++;
    while (*at == ' ')
        at++;
    return at;
}

uint64_t metal_option(const char* name, uint64_t otherwise) {
    for (const char* word = command_line; *word; word = next_word(word)) {
        const char* value = after(word, name);
        uint64_t number = 0;

        if (!value || *value++ != '=')
            continue;
        while (*value >= '0' && *value <= '9')
            number = number * 10 + (uint64_t)(*value++ - '0');
        return number;
    }
    return otherwise;
}

bool metal_word(const char* wanted, bool* any) {
    bool found = false;

    for (const char* word = command_line; *word; word = next_word(word)) {
        const char* end = after(word, wanted);
        const char* at = word;

        while (*at && *at != ' ' && *at != '=')
            at++;
        *any |= *at != '=';
        found |= end && (*end == ' ' || *end == '\0');
    }
    return found;
}
