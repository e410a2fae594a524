// SPDX-License-Identifier: GPL-2.0-only
/*
 * The loader. The image lies in vmalloc's area, at any address: everything inside is relative or relocated.
 * Offsets are checked where they are used, by at() and in_image(), since a broken file must not break the
 * host.
 */
#include "pe.h"

#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "protection.h"

#define PE_MACHINE_X64 0x8664
#define PE32_PLUS 0x20b
#define RELOCATIONS_STRIPPED 1
#define RELOCATION_NONE 0
#define RELOCATION_64 10
#define SECTION_EXECUTE 0x20000000u
#define SECTION_WRITE 0x80000000u
#define ORDINAL (1ull << 63)

enum directory { EXPORTS, IMPORTS, RESOURCES, UNWIND, CERTIFICATES, RELOCATIONS };

/* Offsets from the start of the file header, behind "PE\0\0". */
enum {
    MACHINE = 0,
    SECTIONS = 2,
    OPTIONAL_BYTES = 16,
    FLAGS = 18,
    OPTIONAL = 20,
    MAGIC = OPTIONAL,
    ENTRY = OPTIONAL + 16,
    PREFERRED_BASE = OPTIONAL + 24,
    SECTION_ALIGNMENT = OPTIONAL + 32,
    IMAGE_BYTES = OPTIONAL + 56,
    HEADER_BYTES = OPTIONAL + 60,
    DIRECTORIES = OPTIONAL + 108,
    DIRECTORY = OPTIONAL + 112,
};

/* x86 does not mind where a number lies. */
static u16 get16(const u8* from) {
    return *(const u16*)from;
}

static u32 get32(const u8* from) {
    return *(const u32*)from;
}

struct pe_file {
    const u8* start;
    size_t bytes;
    size_t header; /* offset of the file header */
};

static const u8* at(const struct pe_file* file, size_t offset, size_t bytes) {
    return offset <= file->bytes && bytes <= file->bytes - offset ? file->start + offset : NULL;
}

static u16 word(const struct pe_file* file, size_t field) {
    return get16(file->start + file->header + field);
}

static u32 dword(const struct pe_file* file, size_t field) {
    return get32(file->start + file->header + field);
}

static int refuse(const char* why) {
    pr_err("not loaded: %s\n", why);
    return -ENOEXEC;
}

static int find_header(struct pe_file* file) {
    const u8* dos = at(file, 0, 0x40);

    if (!dos || dos[0] != 'M' || dos[1] != 'Z') {
        return refuse("no PE image");
    }
    file->header = get32(dos + 0x3c) + 4ul;
    if (!at(file, file->header - 4, 4 + DIRECTORY + 16 * 8) ||
        memcmp(file->start + file->header - 4, "PE\0", 4)) {
        return refuse("no PE header");
    }
    if (word(file, MACHINE) != PE_MACHINE_X64 || word(file, MAGIC) != PE32_PLUS) {
        return refuse("not for x64");
    }
    if (dword(file, SECTION_ALIGNMENT) != PAGE_SIZE || dword(file, DIRECTORIES) != 16) {
        return refuse("sections are not aligned to pages, or directories are missing");
    }
    return 0;
}

static void* in_image(const struct pe* pe, u32 offset, size_t bytes) {
    return offset <= pe->bytes && bytes <= pe->bytes - offset ? pe->base + offset : NULL;
}

static const u8* section(const struct pe_file* file, unsigned int index) {
    return at(file, file->header + OPTIONAL + word(file, OPTIONAL_BYTES) + 40 * index, 40);
}

static int lay_out(const struct pe_file* file, struct pe* pe) {
    u32 headers = dword(file, HEADER_BYTES);
    unsigned int i;

    if (!at(file, 0, headers) || !in_image(pe, 0, headers)) {
        return refuse("headers do not fit");
    }
    memcpy(pe->base, file->start, headers);
    for (i = 0; i < word(file, SECTIONS); i++) {
        const u8* header = section(file, i);
        u32 bytes, to, from;

        if (!header) {
            return refuse("section headers do not fit");
        }
        bytes = min(get32(header + 8), get32(header + 16));
        to = get32(header + 12);
        from = get32(header + 20);
        if (!at(file, from, bytes) || !in_image(pe, to, get32(header + 8)) || offset_in_page(to)) {
            return refuse("a section does not fit");
        }
        memcpy(pe->base + to, file->start + from, bytes);
    }
    return 0;
}

static u8* directory(const struct pe_file* file, const struct pe* pe, enum directory which, u32* bytes) {
    *bytes = dword(file, DIRECTORY + 8 * which + 4);
    return *bytes ? in_image(pe, dword(file, DIRECTORY + 8 * which), *bytes) : NULL;
}

static int relocate(const struct pe_file* file, const struct pe* pe) {
    u64 delta = (u64)pe->base - *(const u64*)(file->start + file->header + PREFERRED_BASE);
    u32 bytes, block, i;
    const u8* table = directory(file, pe, RELOCATIONS, &bytes);

    if (word(file, FLAGS) & RELOCATIONS_STRIPPED || (bytes && !table)) {
        return refuse("no relocations");
    }
    while (bytes >= 8) {
        u32 page = get32(table);

        block = get32(table + 4);
        if (block < 8 || block > bytes) {
            return refuse("broken relocations");
        }
        for (i = 8; i + 2 <= block; i += 2) {
            u16 entry = get16(table + i);
            u64* target = in_image(pe, page + (entry & 0xfff), 8);

            if (entry >> 12 == RELOCATION_NONE) {
                continue;
            }
            if (entry >> 12 != RELOCATION_64 || !target) {
                return refuse("a relocation of another kind, or outside the image");
            }
            *target += delta;
        }
        table += block;
        bytes -= block;
    }
    return 0;
}

/* A string of the image, or NULL if it has no end there. */
static const char* name_at(const struct pe* pe, u32 offset) {
    const char* name = in_image(pe, offset, 1);

    return name && strnlen(name, pe->bytes - offset) < pe->bytes - offset ? name : NULL;
}

static int link_from(const struct pe* pe, u32 names, u32 addresses, void* (*find)(const char*)) {
    int missing = 0;

    for (;; names += 8, addresses += 8) {
        u64* name = in_image(pe, names, 8);
        void** address = in_image(pe, addresses, 8);
        const char* text;

        if (!name || !address) {
            return refuse("broken imports");
        }
        if (!*name) {
            return missing ? -ENOENT : 0;
        }
        text = *name & ORDINAL || *name > U32_MAX - 2 ? NULL : name_at(pe, *name + 2);
        if (!text) {
            return refuse("an import without a name");
        }
        *address = find(text);
        if (!*address) {
            pr_err("not loaded: nobody exports %s\n", text);
            missing++;
        }
    }
}

static int link(const struct pe_file* file, const struct pe* pe, void* (*find)(const char*)) {
    u32 bytes;
    const u8* descriptor = directory(file, pe, IMPORTS, &bytes);
    int status = 0;

    for (; descriptor && bytes >= 20 && get32(descriptor + 12); descriptor += 20, bytes -= 20) {
        u32 addresses = get32(descriptor + 16);
        u32 names = get32(descriptor) ?: addresses;
        int error = link_from(pe, names, addresses, find);

        status = error ?: status;
    }
    return status;
}

/* What no section names stays as vmalloc gives it: readable and writable. */
static int protect(const struct pe_file* file, const struct pe* pe) {
    unsigned int i;

    for (i = 0; i < word(file, SECTIONS); i++) {
        const u8* header = section(file, i);
        u8* start = pe->base + get32(header + 12);
        u32 flags = get32(header + 36);
        int error;

        if (flags & SECTION_WRITE && flags & SECTION_EXECUTE) {
            return refuse("a section is writable and executable");
        }
        error = flags & SECTION_WRITE
                    ? 0
                    : protection_seal(start, PAGE_ALIGN(get32(header + 8)), flags & SECTION_EXECUTE);
        if (error) {
            return error;
        }
    }
    return 0;
}

int pe_load(const u8* start, size_t bytes, void* (*find)(const char*), struct pe* pe) {
    struct pe_file file = {.start = start, .bytes = bytes};
    int error = find_header(&file);

    *pe = (struct pe){};
    if (error) {
        return error;
    }
    pe->bytes = PAGE_ALIGN(dword(&file, IMAGE_BYTES));
    if (!pe->bytes || pe->bytes > SZ_16M) {
        return refuse("no sane size");
    }
    pe->base = vzalloc(pe->bytes);
    if (!pe->base) {
        return -ENOMEM;
    }
    pe->entry = in_image(pe, dword(&file, ENTRY), 1);
    error = pe->entry ? lay_out(&file, pe) : refuse("no entry");
    error = error ?: relocate(&file, pe);
    error = error ?: link(&file, pe, find);
    error = error ?: protect(&file, pe);
    if (error) {
        pe_unload(pe);
    }
    return error;
}

void pe_unload(struct pe* pe) {
    if (pe->base) {
        protection_undo(pe->base, pe->bytes);
        vfree(pe->base);
    }
    *pe = (struct pe){};
}
