// SPDX-License-Identifier: GPL-2.0-only
/* Access-control lists, as far as a driver builds one for its device. The kernel's log shows what was set. */
#include <linux/kernel.h>
#include <linux/printk.h>
#include <linux/string.h>

#include "double.h"

#define REVISION 2
#define ALLOW 0
#define DACL_PRESENT 0x0004
#define DACL_PROTECTED 0x1000
#define DACL_INFORMATION 4

struct acl {
    u8 revision, zero;
    u16 bytes, entries, zero_too;
};

struct sid {
    u8 revision, count, authority[6];
    u32 parts[];
};

struct ace {
    u8 type, flags;
    u16 bytes;
    u32 mask;
    struct sid sid;
};

struct descriptor {
    u8 revision, zero;
    u16 control;
    void *owner, *group;
    struct acl *sacl, *dacl;
};

NT_EXPORT(int32_t, RtlCreateAcl, struct acl* acl, uint32_t bytes, uint32_t revision) {
    if (bytes < sizeof(*acl) || bytes > U16_MAX || revision != REVISION) {
        return NT_INVALID_PARAMETER;
    }
    *acl = (struct acl){.revision = revision, .bytes = bytes};
    return NT_SUCCESS;
}

static u32 sid_bytes(const struct sid* sid) {
    return sizeof(*sid) + sid->count * sizeof(sid->parts[0]);
}

static struct ace* entry(struct acl* acl, unsigned int index) {
    struct ace* ace = (struct ace*)(acl + 1);

    while (index--) {
        ace = (void*)ace + ace->bytes;
    }
    return ace;
}

NT_EXPORT(int32_t, RtlAddAccessAllowedAce, struct acl* acl, uint32_t revision, uint32_t mask,
          const struct sid* sid) {
    struct ace* ace = entry(acl, acl->entries);
    u32 bytes = offsetof(struct ace, sid) + sid_bytes(sid);

    if (sid->revision != 1 || revision != REVISION) {
        return NT_INVALID_PARAMETER;
    }
    if ((void*)ace + bytes > (void*)acl + acl->bytes) {
        return NT_ALLOTTED_SPACE_EXCEEDED;
    }
    ace->type = ALLOW;
    ace->flags = 0;
    ace->bytes = bytes;
    ace->mask = mask;
    memcpy((void*)ace + offsetof(struct ace, sid), sid, sid_bytes(sid));
    acl->entries++;
    return NT_SUCCESS;
}

NT_EXPORT(int32_t, RtlCreateSecurityDescriptor, struct descriptor* descriptor, uint32_t revision) {
    *descriptor = (struct descriptor){.revision = revision};
    return NT_SUCCESS;
}

NT_EXPORT(int32_t, RtlSetDaclSecurityDescriptor, struct descriptor* descriptor, uint8_t present,
          struct acl* dacl, uint8_t defaulted) {
    descriptor->control |= present ? DACL_PRESENT : 0;
    descriptor->dacl = dacl;
    return NT_SUCCESS;
}

static void show(struct acl* acl) {
    unsigned int i, part;

    for (i = 0; i < acl->entries; i++) {
        struct ace* ace = entry(acl, i);
        char text[80];
        size_t length = scnprintf(text, sizeof(text), "S-1-%u", ace->sid.authority[5]);

        for (part = 0; part < ace->sid.count; part++) {
            length += scnprintf(text + length, sizeof(text) - length, "-%u", ace->sid.parts[part]);
        }
        pr_info("the device allows %#x to %s\n", ace->mask, text);
    }
}

NT_EXPORT(int32_t, ZwSetSecurityObject, uint64_t handle, uint32_t information,
          const struct descriptor* descriptor) {
    if (!(information & DACL_INFORMATION) || !(descriptor->control & DACL_PRESENT) || !descriptor->dacl) {
        return NT_INVALID_PARAMETER;
    }
    pr_info("the device's list has %u entries and %s\n", descriptor->dacl->entries,
            descriptor->control & DACL_PROTECTED ? "inherits nothing" : "inherits");
    show(descriptor->dacl);
    return NT_SUCCESS;
}
